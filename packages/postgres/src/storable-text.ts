/** PostgreSQL's `text` holds every character but NUL. What core seals has neither that nor a backslash, and stays as it is. */
export function storable(text: string): string {
  return /[\\\0]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('\0', '\\0') : text
}

export function textIn(stored: string): string {
  return stored.includes('\\')
    ? stored.replaceAll(/\\(.)/g, (_, escaped) => (escaped === '0' ? '\0' : escaped))
    : stored
}
