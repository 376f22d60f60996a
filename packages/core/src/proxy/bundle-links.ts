/** Longer than any link. What is longer passes as it is. */
const MAX_URL_BYTES = 16 * 1024
const MAX_KEY_BYTES = 16
/** Links are in objects of this level: the root, the list in it, and each of its objects. */
const LEVELS = 3

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

interface Level {
  readonly isArray: boolean
  key: string
  isKeyNext: boolean
}

/** What the characters of the current string are collected for. */
type Collected = 'key' | 'url' | undefined

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/**
 * Rewrites the links of a Bundle (`link.url` and `entry.fullUrl`, FHIR R4 §2.36) while its JSON passes. Every other byte stays as
 * it is, and nothing is kept but one string. Resources within the Bundle are not looked at.
 */
export class BundleLinks {
  readonly #rewrite: (url: string) => string | undefined
  readonly #levels: Level[] = []
  /** How many levels are open below those. */
  #deeper = 0
  #isInString = false
  #isEscaped = false
  #collected: Collected
  #parts: Uint8Array[] = []
  #size = 0

  /** @param rewrite - the new URL; undefined leaves it as it is */
  constructor(rewrite: (url: string) => string | undefined) {
    this.#rewrite = rewrite
  }

  /** What can be sent on, now that this part has come. */
  push(chunk: Uint8Array): Uint8Array[] {
    const out: Uint8Array[] = []
    let sentTo = 0
    for (let at = 0; at < chunk.length; at++) {
      if (this.#isInString) {
        const end = this.#endOfString(chunk, at)
        const isHeld = this.#collected === 'url'
        if (this.#collected !== undefined) this.#collect(chunk.subarray(at, end))
        if (isHeld) {
          sentTo = end
          // Too long for a link: let it go.
          if (this.#collected === undefined) out.push(...this.#takeParts())
        }
        at = end
        if (end === chunk.length) break
        this.#isInString = false
        if (this.#collected === 'key') this.#readKey()
        else if (this.#collected === 'url') out.push(...this.#newUrl())
        this.#collected = undefined
      } else {
        if (this.#structure(chunk[at])) {
          out.push(chunk.subarray(sentTo, at + 1))
          sentTo = at + 1
        }
      }
    }
    if (sentTo < chunk.length) out.push(chunk.subarray(sentTo))
    return out
  }

  /** What is left when the body ends, even within a string. */
  end(): Uint8Array[] {
    return this.#collected === 'url' ? this.#takeParts() : []
  }

  #endOfString(chunk: Uint8Array, from: number): number {
    let at = from
    for (; at < chunk.length; at++) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (chunk[at] === BACKSLASH) this.#isEscaped = true
      else if (chunk[at] === QUOTE) break
    }
    return at
  }

  /** Follows a character outside of strings. True if it begins a URL. */
  #structure(byte: number | undefined): boolean {
    const level = this.#deeper === 0 ? this.#levels.at(-1) : undefined
    switch (byte) {
      case QUOTE:
        this.#isInString = true
        this.#collected = level && this.#purposeOf(level)
        return this.#collected === 'url'
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        if (this.#deeper > 0 || this.#levels.length === LEVELS) this.#deeper++
        else this.#levels.push({ isArray: byte === OPEN_ARRAY, key: '', isKeyNext: byte === OPEN_OBJECT })
        return false
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        if (this.#deeper > 0) this.#deeper--
        else this.#levels.pop()
        return false
      case COMMA:
        if (level) level.isKeyNext = !level.isArray
        return false
      case COLON:
        if (level) level.isKeyNext = false
        return false
      default:
        return false
    }
  }

  #purposeOf({ isArray, isKeyNext, key }: Level): Collected {
    if (isArray) return undefined
    if (isKeyNext) return 'key'
    const [root, list] = this.#levels
    if (this.#levels.length !== LEVELS || root?.isArray !== false || list?.isArray !== true) return undefined
    const isLink = (root.key === 'link' && key === 'url') || (root.key === 'entry' && key === 'fullUrl')
    return isLink ? 'url' : undefined
  }

  #collect(part: Uint8Array): void {
    this.#size += part.length
    // A copy: the runtime may use the memory of a chunk again.
    if (this.#collected === 'url' || this.#size <= MAX_KEY_BYTES) this.#parts.push(part.slice())
    if (this.#collected === 'url' && this.#size > MAX_URL_BYTES) this.#collected = undefined
  }

  #readKey(): void {
    const level = this.#levels.at(-1)
    const isLong = this.#size > MAX_KEY_BYTES
    const text = this.#takeText()
    if (level) level.key = isLong ? '' : (text ?? '')
  }

  #newUrl(): Uint8Array[] {
    const parts = this.#parts
    const text = this.#takeText()
    const url = text === undefined ? undefined : this.#rewrite(text)
    return url === undefined ? parts : [encoder.encode(JSON.stringify(url).slice(1, -1))]
  }

  /** The string, without its escapes; undefined if it is no JSON string. */
  #takeText(): string | undefined {
    const text = this.#takeParts()
      .map((part, index, { length }) => decoder.decode(part, { stream: index < length - 1 }))
      .join('')
    try {
      return String(JSON.parse(`"${text}"`))
    } catch {
      return undefined
    }
  }

  #takeParts(): Uint8Array[] {
    const parts = this.#parts
    this.#parts = []
    this.#size = 0
    return parts
  }
}
