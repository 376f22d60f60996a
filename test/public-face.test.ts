import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { publicFaces, WRITE_COMMAND } from '../scripts/public-face/public-faces.mjs'

// What users can write, as text in the repository: so each change of it is seen in review.

const faces = publicFaces()

describe('the public face of each package stands in its public-face.txt', () => {
  it.each(faces)('$name', ({ file, text }) => {
    const written = existsSync(file) ? readFileSync(file, 'utf8') : ''
    expect(written === text, `${file} is out of date. Run \`${WRITE_COMMAND}\`, and commit what it writes.`).toBe(true)
  })
})

describe('core has one door for each name', () => {
  const core = faces.find(({ name }) => name === '@fhir-auth/core')?.text ?? ''
  const doors = core.split(/^## /m).slice(1)

  it('what an app writes, adapters, protocol, internals, what its tests write', () => {
    expect(doors.map((door) => door.split('\n', 1)[0])).toEqual([
      '@fhir-auth/core',
      '@fhir-auth/core/adapter',
      '@fhir-auth/core/protocol',
      '@fhir-auth/core/internal',
      '@fhir-auth/core/testing',
      'Types that those are made of, without a name of their own',
    ])
  })

  it('no name comes by two of them', () => {
    const names = doors.slice(0, 5).flatMap((door) => {
      const exported = door.matchAll(/^export (?:abstract )?(?:class|function|const|type|interface) (\w+)/gm)
      return [...new Set([...exported].map(([, name]) => name))]
    })
    expect(names.length).toBeGreaterThan(80)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })
})

describe('positional parameters end at three', () => {
  /** What others decide: the contract of a store, `set` as Redis clients have it, what Nest injects. */
  const decidedElsewhere = ['@fhir-auth/core swap', '@fhir-auth/redis set', '@fhir-auth/nest constructor']
  /** Functions, methods and constructors, but for those outside of semver. */
  const calls = (text: string) => {
    const [face = ''] = text.split('## @fhir-auth/core/internal', 1)
    return [...face.matchAll(/^(?:export function | {2})(\w+)((?:<[^(]*>)?\(.*)$/gm)]
  }

  it.each(faces)('$name', ({ name: owner, text }) => {
    const found = calls(text).filter(([, , signature = '']) => parametersOf(signature).length > 3)
    const names = found.map(([, name]) => `${owner} ${name}`)
    expect(names.filter((name) => !decidedElsewhere.includes(name))).toEqual([])
  })

  it('are counted outside of brackets', () => {
    expect(parametersOf('<T>(a: Map<string, T>, b: (x: T, y: T) => void, c?: { d: 1, e: 2 }): void;')).toHaveLength(3)
  })

  it('functions, methods and constructors are looked at', () => {
    const core = faces.find(({ name }) => name === '@fhir-auth/core')?.text ?? ''
    const names = calls(core).map(([, name]) => name)
    expect(names).toEqual(expect.arrayContaining(['exchangeCode', 'constructor', 'contextFor']))
  })
})

describe('an adapter brings what an app writes', () => {
  it.each(['express', 'fastify', 'hono', 'nest'])(
    '@fhir-auth/%s exports all of core, and none of its other doors',
    (adapter) => {
      const text = faces.find(({ name }) => name === `@fhir-auth/${adapter}`)?.text ?? ''
      expect(text).toContain("export * from '@fhir-auth/core'\n")
      expect(text).not.toMatch(/@fhir-auth\/core\/(?:adapter|protocol|internal)/)
    },
  )
})

/** Of a signature as the file has it: `<T>(one: string, other: T): void;` */
function parametersOf(signature: string): string[] {
  const parameters = ['']
  let depth = 0
  for (const character of signature.slice(signature.indexOf('(') + 1).replaceAll('=>', '')) {
    if (')]}>'.includes(character)) depth--
    if (depth < 0) break
    if ('([{<'.includes(character)) depth++
    if (character === ',' && depth === 0) parameters.push('')
    else parameters[parameters.length - 1] += character
  }
  return parameters.filter((parameter) => parameter.trim() !== '')
}
