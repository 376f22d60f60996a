import fc from 'fast-check'

const TRICKY = [
  ...[
    '../',
    '..',
    './',
    '/',
    '\\',
    '//',
    '%2f',
    '%5c',
    '%2e',
    '%252e',
    '%00',
    '%0d%0a',
    '\r\n',
    '\0',
    '\t',
    ' ',
    ';',
    ',',
    '"',
  ],
  ...[
    '@',
    '#',
    '?',
    '&',
    '=',
    ':',
    '{',
    '}',
    '[',
    ']',
    '<script>',
    '患',
    '\u202e',
    '\ud800',
    '__proto__',
    'constructor',
    'null',
  ],
  ...[
    'https://evil.example',
    '//evil.example',
    'javascript:',
    'data:',
    'evil.example',
    'A',
    '-1',
    '1e999',
    '.',
    'undefined',
  ],
]

/** Pieces that some parser reads otherwise than another one, put together. */
export const trickyText: fc.Arbitrary<string> = fc.oneof(
  fc.array(fc.constantFrom(...TRICKY), { maxLength: 8 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 40 }),
)

/** A good text, spoilt: cut, doubled, with a character changed, or with something hostile in it. */
export function spoilt(good: string): fc.Arbitrary<string> {
  const at = fc.nat(Math.max(0, good.length - 1))
  return fc
    .oneof(
      fc.tuple(at, trickyText).map(([from, text]) => good.slice(0, from) + text + good.slice(from)),
      fc.tuple(at, trickyText).map(([from, text]) => good.slice(0, from) + text),
      fc
        .tuple(at, fc.constantFrom(...'AZaz09-_.='))
        .map(([from, letter]) => good.slice(0, from) + letter + good.slice(from + 1)),
      fc.tuple(at, at).map(([from, to]) => good.slice(0, from) + good.slice(to)),
      fc.constant(good + good),
      trickyText,
    )
    .filter((text) => text !== good)
}

const member = fc.oneof(
  trickyText,
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1e308,
    1.5,
    {},
    [],
    [[]],
    { __proto__: null },
    { toString: 1 },
    { length: 9 },
  ),
  fc.jsonValue({ maxDepth: 3 }),
)

/** A good JSON object, with some members replaced, removed or added. Own members only, `__proto__` among them. */
export function spoiltObject(good: Readonly<Record<string, unknown>>): fc.Arbitrary<string> {
  const names = [...Object.keys(good), '__proto__', 'constructor', 'toString']
  const changes = fc.array(fc.tuple(fc.constantFrom(...names), fc.option(member)), { minLength: 1, maxLength: 4 })
  const object = changes.map((all) => {
    const entries = new Map(Object.entries(good))
    for (const [name, value] of all) {
      if (value === null) entries.delete(name)
      else entries.set(name, value)
    }
    const members = [...entries].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value) ?? 'null'}`)
    return `{${members.join(',')}}`
  })
  return fc.oneof({ weight: 5, arbitrary: object }, spoilt(JSON.stringify(good)), fc.json())
}
