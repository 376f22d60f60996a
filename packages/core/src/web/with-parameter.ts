/** Sets a query parameter of a path: replaces it, or adds it. The rest of the path is not changed. */
export function withParameter(path: string, name: string, value: string): string {
  return withPairs(path, name, [String(new URLSearchParams({ [name]: value }))])
}

/** Takes a query parameter out of a path. The rest of the path is not changed. */
export function withoutParameter(path: string, name: string): string {
  return withPairs(path, name, [])
}

function withPairs(path: string, name: string, pairs: readonly string[]): string {
  const [beforeHash = ''] = path.split('#', 1)
  const [pathname = ''] = beforeHash.split('?', 1)
  const query = beforeHash.slice(pathname.length + 1).split('&')
  const others = query.filter((pair) => pair !== '' && !new URLSearchParams(pair).has(name))
  const search = [...others, ...pairs].join('&')
  return `${pathname}${search && `?${search}`}${path.slice(beforeHash.length)}`
}
