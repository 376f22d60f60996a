/** A path with this parameter once in its query, whatever it had before. All the rest of it stays to the letter. */
export function withParameter(path: string, name: string, value: string): string {
  const [beforeHash = ''] = path.split('#', 1)
  const [pathname = ''] = beforeHash.split('?', 1)
  const query = beforeHash.slice(pathname.length + 1).split('&')
  const others = query.filter((pair) => pair !== '' && !new URLSearchParams(pair).has(name))
  const pairs = [...others, String(new URLSearchParams({ [name]: value }))]
  return `${pathname}?${pairs.join('&')}${path.slice(beforeHash.length)}`
}
