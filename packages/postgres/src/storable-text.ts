/** Escapes NUL, which PostgreSQL's `text` cannot hold. Values that core seals have no NUL and no backslash, and stay as they are. */
export function storable(text: string): string {
  return /[\\\0]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('\0', '\\0') : text
}

export function textIn(stored: string): string {
  return stored.includes('\\')
    ? stored.replaceAll(/\\(.)/g, (_, escaped) => (escaped === '0' ? '\0' : escaped))
    : stored
}
