/**
 * The same text in one piece of memory of its own. A session id is cut out of a cookie header, and the engine lets such a
 * piece keep the whole header alive: as the key of a map, for as long as the session.
 */
export function detachedText(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string
}
