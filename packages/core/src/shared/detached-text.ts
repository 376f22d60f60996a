/**
 * A copy of a string that refers to no other string. A session id is a slice of a cookie header, and in V8 a slice keeps
 * the whole header in memory. As the key of a map it would do so for as long as the session lives.
 */
export function detachedText(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string
}
