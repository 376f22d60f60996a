/** Makes text from outside fit for a message: one line, printable, short. */
export function shownText(text: string, maxLength = 200): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
  return line.length > maxLength ? `${line.slice(0, maxLength)}…` : line
}
