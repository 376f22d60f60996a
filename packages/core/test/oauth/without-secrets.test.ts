import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withoutSecrets } from '../../src/oauth/without-secrets.ts'

const SECRET = 'K7#v/q+Zé9 "xW&m<2pR'

const hex = (text: string) => Buffer.from(text).toString('hex')
const url = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
const ENCODINGS: Record<string, (text: string) => string> = {
  raw: (text) => text,
  'URL-encoded': encodeURIComponent,
  'URL-encoded in lower case': (text) => encodeURIComponent(text).replace(/%../g, (byte) => byte.toLowerCase()),
  'URL-encoded, each byte': url,
  'form-encoded': (text) => new URLSearchParams([['', text]]).toString().slice(1),
  'form-encoded in lower case': (text) =>
    new URLSearchParams([['', text]])
      .toString()
      .slice(1)
      .replace(/%../g, (byte) => byte.toLowerCase()),
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64 within more': (text) => Buffer.from(`id:${text}!`).toString('base64'),
  base64url: (text) => Buffer.from(text).toString('base64url'),
  hex,
  'hex in upper case': (text) => hex(text).toUpperCase(),
  'JSON-escaped': (text) => JSON.stringify(text).slice(1, -1),
  'JSON-escaped, each character': (text) =>
    text.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  'HTML-escaped': (text) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`),
  'HTML-escaped by name': (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;'),
  'URL-encoded base64': (text) => encodeURIComponent(Buffer.from(`a:${text}`).toString('base64')),
}

describe('a part of a secret in a server’s text', () => {
  it.each(Object.keys(ENCODINGS))('ERR-06 any 8 characters in a row are not shown: %s', (name) => {
    const encode = ENCODINGS[name] ?? String
    for (let at = 0; at + 8 <= SECRET.length; at++) {
      const quoted = encode(SECRET.slice(at, at + 8))
      const shown = withoutSecrets(`You sent x=${quoted}, which is wrong.`, [SECRET])
      expect(shown).toContain('[secret]')
      expect(shown).not.toContain(quoted)
    }
  })

  it('ERR-06 the words around it stay, and seven characters are no secret', () => {
    expect(withoutSecrets(`The key ${hex(SECRET.slice(0, 9))} is wrong.`, [SECRET])).toBe('The key [secret] is wrong.')
    expect(withoutSecrets('The key abcdefg is wrong.', ['abcdefgh-ijkl'])).toBe('The key abcdefg is wrong.')
  })

  it('ERR-06 SEC-09 whatever the secret, the part, the encoding and the text around it', () => {
    const character = fc.constantFrom(...'aZ09-_.~+/=%&<>"\\\'#: é')
    const secret = fc.string({ unit: character, minLength: 8, maxLength: 60 })
    const around = fc.string({ maxLength: 20 })
    const part = fc.tuple(fc.nat(), fc.nat())
    fc.assert(
      fc.property(
        ...([secret, part, fc.constantFrom(...Object.values(ENCODINGS)), around, around] as const),
        (value, [from, more], encode, before, after) => {
          const start = from % (value.length - 7)
          const quoted = encode(value.slice(start, start + 8 + (more % 60)))
          const shown = withoutSecrets(`${before} ${quoted} ${after}`, [value])
          if (!`${before} ${after}`.includes(quoted) && !'[secret]'.includes(quoted))
            expect(shown).not.toContain(quoted)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('ERR-06 the text is a text, whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (text, secrets) => {
        expect(typeof withoutSecrets(text, secrets)).toBe('string')
        expect(withoutSecrets(text, [])).toBe(text)
      }),
      { numRuns: 200 },
    )
  })
})

it.each([
  ['capitals', (secret: string) => secret.toUpperCase()],
  ['small letters', (secret: string) => secret.toLowerCase()],
  ['small letters, URL-encoded', (secret: string) => encodeURIComponent(secret).toLowerCase()],
])('ERR-06 a secret is not shown in %s either', (_name, change) => {
  const secret = 'kq83/Zr7+mW2=xT5vLp'
  for (const value of [secret, secret.slice(3, 16)]) {
    expect(withoutSecrets(`The value ${change(value)} is wrong.`, [secret])).toBe('The value [secret] is wrong.')
  }
})
