/** Sets a query parameter of a path: replaces it, or adds it. The rest of the path is not changed. */
export function withParameter(path: string, name: string, value: string): string {
  const [beforeHash = ''] = path.split('#', 1)
  const [pathname = ''] = beforeHash.split('?', 1)
  const query = beforeHash.slice(pathname.length + 1).split('&')
  const others = query.filter((pair) => pair !== '' && !new URLSearchParams(pair).has(name))
  const pairs = [...others, String(new URLSearchParams({ [name]: value }))]
  return `${pathname}?${pairs.join('&')}${path.slice(beforeHash.length)}`
}
