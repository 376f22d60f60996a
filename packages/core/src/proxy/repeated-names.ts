/**
 * Whether an object in a JSON text has a name twice. One reader takes the first value and another one the last, so what was
 * checked here could be something else at the server (RFC 8259 §4).
 *
 * @param text - JSON that has been parsed without an error
 */
export function hasRepeatedName(text: string): boolean {
  const levels: (Set<string> | undefined)[] = []
  let isKeyNext = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '{') {
      levels.push(new Set())
      isKeyNext = true
    } else if (character === '[') {
      levels.push(undefined)
      isKeyNext = false
    } else if (character === '}' || character === ']') {
      levels.pop()
      isKeyNext = false
    } else if (character === ',') {
      isKeyNext = levels.at(-1) !== undefined
    } else if (character === '"') {
      const end = endOfString(text, at)
      const names = levels.at(-1)
      if (isKeyNext && names) {
        const name = String(JSON.parse(text.slice(at, end + 1)))
        if (names.has(name)) return true
        names.add(name)
        isKeyNext = false
      }
      at = end
    }
  }
  return false
}

function endOfString(text: string, from: number): number {
  let at = from + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}
