import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseScope } from '../../src/fhir/scope-grammar.ts'
import { ScopeSet } from '../../src/fhir/scope-set.ts'

const LABORATORY = 'category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory'
const LABORATORY_ENCODED = 'category=http%3A%2F%2Fterminology.hl7.org%2FCodeSystem%2Fobservation-category%7Claboratory'

const covers = (granted: string, required: string): boolean => ScopeSet.parse(granted).covers(required)

describe('SCP-01 resource scope grammar', () => {
  it.each([
    ['patient/Observation.rs', 'patient', 'Observation', 'rs'],
    ['user/*.cruds', 'user', '*', 'cruds'],
    ['system/Group.r', 'system', 'Group', 'r'],
    ['patient/Observation.cd', 'patient', 'Observation', 'cd'],
    ['system/Encounter.cud', 'system', 'Encounter', 'cud'],
  ])('SCP-01 reads %s', (text, level, resourceType, interactions) => {
    expect(parseScope(text)).toEqual({
      kind: 'resource',
      level,
      resourceType,
      interactions,
      query: [],
      version: 2,
      text,
    })
  })

  it('SCP-01 accepts exactly the 31 non-empty in-order subsets of cruds', () => {
    const letters = [...'cruds']
    let words = ['']
    const accepted: string[] = []
    for (let length = 0; length < letters.length; length++) {
      words = words.flatMap((word) => letters.map((letter) => word + letter))
      accepted.push(...words.filter((word) => parseScope(`patient/Observation.${word}`).kind === 'resource'))
    }
    expect(new Set(accepted).size).toBe(31)
    for (const word of accepted) expect([...word].map((letter) => 'cruds'.indexOf(letter))).toEqual(sortedIndexes(word))
  })

  it.each([
    'patient/Observation.',
    'patient/Observation',
    'patient/Observation.sr',
    'patient/Observation.dus',
    'patient/Observation.rr',
    'patient/Observation.rd ',
    'patient/Observation.rx',
    'patient/Observation.READ',
    'patient/Observation.readwrite',
    'patient/observation.rs',
    'patient/.rs',
    'patient/**.rs',
    'Patient/Observation.rs',
    'group/Observation.rs',
    'xpatient/Observation.rs',
    'patient/Observation.rs\n',
    'patient/Observation.rs?',
    'patient/Observation.rs?category',
    'patient/Observation.rs?category=',
    'patient/Observation.rs?=laboratory',
    'patient/Observation.rs?a=b&',
    'patient/Observation.rs?a=b&&c=d',
    'patient/Observation.rs?a=b c',
    'patient/Observation.read?category=laboratory',
    'patient/Observation.?category=laboratory',
    '',
  ])('SCP-01 does not take %j for a resource scope', (text) => {
    expect(parseScope(text)).toEqual({ kind: 'unknown', text })
  })

  it('SCP-01 lets a malformed scope stand for itself alone', () => {
    expect(covers('patient/Observation.sr', 'patient/Observation.sr')).toBe(true)
    expect(covers('patient/Observation.sr', 'patient/Observation.r')).toBe(false)
    expect(covers('patient/Observation.cruds', 'patient/Observation.sr')).toBe(false)
  })
})

function sortedIndexes(word: string): number[] {
  return [...word].map((letter) => 'cruds'.indexOf(letter)).sort((a, b) => a - b)
}

describe('SCP-02 v1 suffixes', () => {
  it.each([
    ['read', 'rs'],
    ['write', 'cud'],
    ['*', 'cruds'],
  ])('SCP-02 .%s means .%s', (v1, v2) => {
    const [older, newer] = [`patient/Observation.${v1}`, `patient/Observation.${v2}`]
    expect(parseScope(older)).toMatchObject({ kind: 'resource', interactions: v2, version: 1, text: older })
    expect(covers(older, newer)).toBe(true)
    expect(covers(newer, older)).toBe(true)
  })

  it('SCP-02 .read gives no delete', () => {
    expect(covers('patient/Observation.read', 'patient/Observation.d')).toBe(false)
  })

  it('SCP-02 .write gives no read', () => {
    expect(covers('patient/Observation.write', 'patient/Observation.r')).toBe(false)
  })
})

describe('SCP-03 interactions', () => {
  it.each([...'cruds'])('SCP-03 %s gives itself and no other interaction', (letter) => {
    const allowed = [...'cruds'].filter((other) => covers(`user/Patient.${letter}`, `user/Patient.${other}`))
    expect(allowed).toEqual([letter])
  })
})

describe('SCP-04 union and equivalence', () => {
  // SMART App Launch 2.2 "Wildcard scopes": what a server may answer to patient/AllergyIntolerance.cruds.
  it.each([
    ['patient/AllergyIntolerance.cruds', true, []],
    ['patient/AllergyIntolerance.rs patient/AllergyIntolerance.cud', true, []],
    ['patient/AllergyIntolerance.rs', false, []],
    ['patient/AllergyIntolerance.cud', false, []],
    ['patient/*.rs', false, ['patient/*.rs']],
    ['patient/*.cruds', true, ['patient/*.cruds']],
    ['patient/Observation.rs', false, ['patient/Observation.rs']],
    ['', false, []],
  ])('SCP-04 SCP-10 tells what a grant of %j means', (granted, covered, extra) => {
    const requested = 'patient/AllergyIntolerance.cruds'
    const scopes = ScopeSet.parse(granted)
    expect(scopes.covers(requested)).toBe(covered)
    expect(scopes.missing(requested)).toEqual(covered ? [] : [requested])
    expect(scopes.extra(requested)).toEqual(extra)
  })

  it.each([
    ['patient/*.rs', 'patient/Observation.read', true],
    ['patient/*.read', 'patient/Observation.r', true],
    ['patient/Observation.r patient/Observation.s', 'patient/Observation.rs', true],
    ['patient/Observation.rs', 'patient/Observation.r patient/Observation.s', true],
    ['patient/*.r patient/Observation.s', 'patient/Observation.rs', true],
    ['patient/*.r patient/Observation.s', 'patient/*.rs', false],
    ['patient/Observation.rs', 'patient/Condition.rs', false],
    ['patient/Observation.rs', 'patient/*.rs', false],
    ['patient/Observation.cruds patient/Condition.cruds', 'patient/*.r', false],
    ['patient/*.read patient/*.write', 'patient/*.*', true],
    ['user/*.cruds', 'patient/Observation.r', false],
    ['patient/*.cruds', 'user/Observation.r', false],
    ['system/*.cruds', 'user/Observation.r', false],
    ['patient/*.r user/*.s', 'patient/Observation.rs', false],
    ['openid patient/*.rs', 'openid patient/Patient.r', true],
    ['patient/*.rs', 'openid patient/Patient.r', false],
    ['', '', true],
    ['patient/*.rs', '', true],
  ])('SCP-04 granted %j, required %j: %s', (granted, required, expected) => {
    expect(covers(granted, required)).toBe(expected)
    expect(ScopeSet.parse(granted).covers(ScopeSet.parse(required))).toBe(expected)
  })
})

describe('SCP-05 query-suffixed scopes', () => {
  const plain = 'patient/Observation.rs'
  it.each([
    [`${plain}?${LABORATORY}`, plain, false],
    [`patient/*.rs?${LABORATORY}`, plain, false],
    [`${plain}?category=a ${plain}?category=b`, plain, false],
    [plain, `${plain}?${LABORATORY}`, true],
    ['patient/*.read', `${plain}?${LABORATORY}`, true],
    [`${plain}?${LABORATORY}`, `${plain}?${LABORATORY}`, true],
    [`patient/*.rs?${LABORATORY}`, `${plain}?${LABORATORY}`, true],
    [`${plain}?${LABORATORY}`, `patient/*.rs?${LABORATORY}`, false],
    [`${plain}?category=a`, `${plain}?category=b`, false],
    [`${plain}?category=a`, `${plain}?code=a`, false],
    [`${plain}?category=a`, `${plain}?category=a&status=final`, true],
    [`${plain}?status=final&category=a`, `${plain}?category=a&status=final`, true],
    [`${plain}?category=a&status=final`, `${plain}?category=a`, false],
    [`${plain}?category=a`, `${plain}?category=a,b`, false],
    ['patient/Observation.r?a=1 patient/*.s?b=2', `${plain}?a=1&b=2`, true],
    ['patient/Observation.r?a=1 patient/*.s?b=2', `${plain}?a=1`, false],
    ['patient/Observation.r patient/Observation.s?a=1', `${plain}?a=1`, true],
    ['patient/Observation.r patient/Observation.s?a=1', plain, false],
    [`user/Observation.rs?${LABORATORY}`, `${plain}?${LABORATORY}`, false],
  ])('SCP-05 granted %j, required %j: %s', (granted, required, expected) => {
    expect(covers(granted, required)).toBe(expected)
  })

  it('SCP-05 compares URL-encoded parameters as their decoded ones and keeps the text', () => {
    const [written, encoded] = [`${plain}?${LABORATORY}`, `${plain}?${LABORATORY_ENCODED}`]
    expect(parseScope(encoded)).toMatchObject({
      query: [['category', 'http://terminology.hl7.org/CodeSystem/observation-category|laboratory']],
      text: encoded,
    })
    expect(covers(written, encoded)).toBe(true)
    expect(covers(encoded, written)).toBe(true)
    expect(ScopeSet.parse(encoded).toString()).toBe(encoded)
  })

  it('SCP-05 an encoded separator stays inside its value', () => {
    expect(covers(`${plain}?a=1%26b=2`, `${plain}?a=1&b=2`)).toBe(false)
    expect(covers(`${plain}?a%3Db=2`, `${plain}?a=b=2`)).toBe(false)
  })

  it('SCP-05 leaves a broken escape as it is', () => {
    expect(parseScope(`${plain}?a=%E0%A4%A`)).toMatchObject({ query: [['a', '%E0%A4%A']] })
  })
})

describe('SCP-06 experimental search features', () => {
  it.each([
    ['patient/Condition.rs?code:in=http://valueset.example.org/ValueSet/diabetes-codes', 'code:in'],
    ['user/Observation.rs?patient.birthdate=1990', 'patient.birthdate'],
    ['user/Observation.rs?_filter=code%20eq%20http://loinc.org|1234-5', '_filter'],
    ['user/Patient.rs?_has:Observation:patient:code=1234-5', '_has:Observation:patient:code'],
  ])('SCP-06 passes %s through verbatim', (text, name) => {
    const scope = parseScope(text)
    expect(scope.kind === 'resource' && scope.query.map(([parameter]) => parameter)).toEqual([name])
    expect(String(ScopeSet.parse(text))).toBe(text)
    expect(covers(text, text)).toBe(true)
  })

  it('SCP-06 a modifier makes another parameter', () => {
    expect(covers('user/Condition.rs?code=a', 'user/Condition.rs?code:in=a')).toBe(false)
    expect(covers('user/Condition.rs?code:in=a', 'user/Condition.rs?code=a')).toBe(false)
  })
})

describe('SCP-07 other scopes', () => {
  it.each([
    ['launch', 'launch'],
    ['launch/patient', 'launch'],
    ['launch/encounter', 'launch'],
    ['launch/imagingstudy', 'launch'],
    ['launch/list?role=https://example.org/med-list-at-home', 'launch'],
    ['openid', 'identity'],
    ['fhirUser', 'identity'],
    ['profile', 'identity'],
    ['online_access', 'refresh'],
    ['offline_access', 'refresh'],
    ['__vendor.feature', 'extension'],
    ['__proto__', 'extension'],
    ['https://ehr.example.com/scopes/admin', 'extension'],
    ['urn:example:scope', 'extension'],
    ['http://smarthealthit.org/fhir/scopes/', 'extension'],
    ['http://smarthealthit.org/fhir/scopes/patient/Observation.sr', 'extension'],
    ['launch/ImagingStudy', 'unknown'],
    ['launch/', 'unknown'],
    ['launch/list?role=', 'unknown'],
    ['launch/list?role=a&role=b', 'unknown'],
    ['fhiruser', 'unknown'],
    ['email', 'unknown'],
    ['__', 'unknown'],
    ['constructor', 'unknown'],
    ['openid profile', 'unknown'],
  ])('SCP-07 %s is of kind %s', (text, kind) => {
    expect(parseScope(text)).toEqual({ kind, text })
  })

  it.each([
    ['launch', 'launch/patient'],
    ['launch/patient', 'launch'],
    ['launch/list', 'launch/list?role=https://example.org/home'],
    ['launch/list?role=https://example.org/home', 'launch/list'],
    ['launch/list?role=https://example.org/home', 'launch/list?role=https://example.org/hospital'],
    ['profile', 'fhirUser'],
    ['offline_access', 'online_access'],
    ['https://ehr.example.com/scopes/admin', 'https://ehr.example.com/scopes/Admin'],
    ['user/*.cruds', '__vendor.feature'],
  ])('SCP-07 %s does not cover %s', (granted, required) => {
    expect(covers(granted, required)).toBe(false)
    expect(covers(granted, granted)).toBe(true)
  })

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('SCP-07 %s is a scope like any other', (name) => {
    expect(covers('openid', name)).toBe(false)
    expect(ScopeSet.parse('openid').has(name)).toBe(false)
    expect(covers(`openid ${name}`, name)).toBe(true)
    expect(ScopeSet.parse('patient/*.rs').missing(name)).toEqual([name])
  })
})

describe('SCP-08 the text of a scope set', () => {
  it('SCP-08 has single spaces, no repetition, and the order as written', () => {
    const scopes = ScopeSet.parse('  openid\tlaunch/patient \n openid  patient/*.rs launch/patient ')
    expect(scopes.toString()).toBe('openid launch/patient patient/*.rs')
    expect(JSON.stringify({ scopes })).toBe('{"scopes":"openid launch/patient patient/*.rs"}')
    expect([...scopes]).toEqual(['openid', 'launch/patient', 'patient/*.rs'])
    expect(scopes.scopes.map(({ text }) => text)).toEqual([...scopes])
    expect(scopes.size).toBe(3)
  })

  it('SCP-08 reads a list, even one with odd members', () => {
    const listed = ['openid', 'patient/*.rs offline_access', '', '  ', 'openid', null, 7] as string[]
    expect([...ScopeSet.parse(listed)]).toEqual(['openid', 'patient/*.rs', 'offline_access'])
  })

  it.each([[undefined], [''], [' \n '], [[]]])('SCP-08 %j is the empty set', (text) => {
    const scopes = ScopeSet.parse(text)
    expect(scopes.size).toBe(0)
    expect(scopes.toString()).toBe('')
    expect(scopes.covers('openid')).toBe(false)
  })

  it('SCP-08 cannot be changed', () => {
    const scopes = ScopeSet.parse('patient/Observation.rs?a=b')
    const [scope] = scopes.scopes
    expect(Object.isFrozen(scopes)).toBe(true)
    expect(Object.isFrozen(scopes.scopes)).toBe(true)
    expect(Object.isFrozen(scope)).toBe(true)
    expect(scope?.kind === 'resource' && Object.isFrozen(scope.query) && scope.query.every(Object.isFrozen)).toBe(true)
  })
})

describe('SCP-10 granted against requested', () => {
  it('SCP-10 lists what is missing and what is extra, in order and as written', () => {
    const granted = ScopeSet.parse('openid user/Patient.read patient/Observation.rs offline_access')
    const requested = 'fhirUser patient/Observation.read patient/Condition.rs  openid'
    expect(granted.missing(requested)).toEqual(['fhirUser', 'patient/Condition.rs'])
    expect(granted.extra(requested)).toEqual(['user/Patient.read', 'offline_access'])
    expect(granted.missing(ScopeSet.parse(requested))).toEqual(granted.missing(requested))
    expect(granted.extra(ScopeSet.parse(requested))).toEqual(granted.extra(requested))
  })

  it('SCP-10 finds nothing missing and nothing extra when a server answers in v1', () => {
    const granted = ScopeSet.parse('patient/Observation.read patient/Observation.write')
    expect(granted.missing('patient/Observation.cruds')).toEqual([])
    expect(granted.extra('patient/Observation.cruds')).toEqual([])
  })

  it('SCP-10 answers alike for many different requirements, first asked or asked again', () => {
    const granted = ScopeSet.parse('patient/*.rs')
    const asked = Array.from({ length: 700 }, (_, index) => `patient/Type${index}.${index % 2 === 0 ? 'r' : 'c'}`)
    const answers = asked.map((required) => granted.covers(required))
    expect(answers).toEqual(asked.map((_, index) => index % 2 === 0))
    expect(asked.map((required) => granted.covers(required))).toEqual(answers)
    expect(granted.covers(asked.filter((_, index) => index % 2 === 0).join(' '))).toBe(true)
  })
})

describe('SCP-11 URI form', () => {
  it.each(['http://smarthealthit.org/fhir/scopes/', 'http://smarthealthit.org/FHIR/scopes/'])('SCP-11 %s', (prefix) => {
    for (const short of ['patient/*.read', 'patient/Observation.rs?a=b', 'launch/patient', 'openid', 'online_access']) {
      const long = prefix + short
      expect(parseScope(long)).toEqual({ ...parseScope(short), text: long })
      expect(covers(long, short)).toBe(true)
      expect(covers(short, long)).toBe(true)
      expect(ScopeSet.parse(long).has(short)).toBe(true)
      expect(ScopeSet.parse(short).has(long)).toBe(true)
      expect(ScopeSet.parse(long).toString()).toBe(long)
      expect(ScopeSet.parse(`${long} ${short}`).toString()).toBe(long)
    }
  })

  it.each(['https://smarthealthit.org/fhir/scopes/', 'http://smarthealthit.org.example/fhir/scopes/', 'x:'])(
    'SCP-11 %s is not the prefix',
    (prefix) => {
      expect(covers(`${prefix}patient/*.rs`, 'patient/Observation.r')).toBe(false)
    },
  )

  it.each(['__vendor.feature', 'email', 'patient/Observation.sr'])('SCP-11 %s has no SMART URI form', (name) => {
    const uri = `http://smarthealthit.org/fhir/scopes/${name}`
    expect(covers(uri, name)).toBe(false)
    expect(covers(name, uri)).toBe(false)
    expect(covers(uri, uri)).toBe(true)
  })

  it('SCP-11 has() is literal otherwise', () => {
    const scopes = ScopeSet.parse('patient/*.rs')
    expect(scopes.has('patient/*.rs')).toBe(true)
    expect(scopes.has('patient/*.read')).toBe(false)
    expect(scopes.has('patient/Observation.rs')).toBe(false)
  })
})

describe('scope sets in general', () => {
  // A small world, so that generated scopes often have to do with each other.
  const parameters = ['a=1', 'b=2', 'c=3']
  const types = ['*', 'Observation', 'Patient']
  const resourceScope = fc
    .record({
      level: fc.constantFrom('patient', 'user'),
      type: fc.constantFrom(...types),
      letters: fc.subarray([...'cruds'], { minLength: 1 }),
      v1Suffix: fc.option(fc.constantFrom('read', 'write', '*'), { freq: 4 }),
      query: fc.oneof(fc.constant([]), fc.shuffledSubarray(parameters)),
      prefix: fc.constantFrom('', '', '', 'http://smarthealthit.org/fhir/scopes/'),
    })
    .map(({ level, type, letters, v1Suffix, query, prefix }) => {
      const suffix = v1Suffix ?? letters.join('') + (query.length === 0 ? '' : `?${query.join('&')}`)
      return `${prefix}${level}/${type}.${suffix}`
    })
  const resourceScopes = fc.array(resourceScope, { maxLength: 5 }).map((scopes) => scopes.join(' '))
  const anyScopes = fc.oneof(
    resourceScopes,
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom('openid', 'launch/patient', '__proto__', 'patient/Observation.sr', 'x'))
      .map((scopes) => scopes.join(' ')),
    fc.stringMatching(/^(patient|user)\/[*A-Z.]{0,3}[.?&=%a-z]{0,9}$/),
  )

  /** Everything a set allows, spelled out: level, type, interaction, and the parameters that hold for the data. */
  function allowed(text: string): Set<string> {
    const accesses = new Set<string>()
    for (const scope of ScopeSet.parse(text).scopes) {
      if (scope.kind !== 'resource') continue
      const wanted = scope.query.map(([name, value]) => `${name}=${value}`)
      for (const type of scope.resourceType === '*' ? types : [scope.resourceType])
        for (const letter of scope.interactions)
          for (let bits = 0; bits < 1 << parameters.length; bits++) {
            const holding = parameters.filter((_, index) => (bits & (1 << index)) !== 0)
            if (wanted.every((parameter) => holding.includes(parameter)))
              accesses.add([scope.level, type, letter, ...holding].join(' '))
          }
    }
    return accesses
  }

  it('SCP-04 SCP-05 covers exactly when everything required is allowed', () => {
    const seen = new Set<boolean>()
    fc.assert(
      fc.property(resourceScopes, resourceScope, (granted, required) => {
        const given = allowed(granted)
        const expected = [...allowed(required)].every((access) => given.has(access))
        seen.add(expected)
        expect(covers(granted, required)).toBe(expected)
      }),
      { numRuns: 2000 },
    )
    expect(seen.size).toBe(2)
  })

  it('SCP-04 covers is reflexive', () => {
    fc.assert(
      fc.property(anyScopes, (text) => {
        expect(covers(text, text)).toBe(true)
      }),
    )
  })

  it('SCP-04 covers is transitive', () => {
    let chains = 0
    fc.assert(
      fc.property(resourceScopes, resourceScope, resourceScope, (first, second, third) => {
        if (!covers(first, second) || !covers(second, third)) return
        chains++
        expect(covers(first, third)).toBe(true)
      }),
      { numRuns: 5000 },
    )
    expect(chains).toBeGreaterThan(0)
  })

  it('SCP-04 one more granted scope never takes coverage away', () => {
    fc.assert(
      fc.property(anyScopes, anyScopes, anyScopes, (granted, added, required) => {
        const before = ScopeSet.parse(granted).missing(required)
        const after = ScopeSet.parse(`${granted} ${added}`).missing(required)
        expect(before).toEqual(expect.arrayContaining(after))
      }),
    )
  })

  it('SCP-08 parsing its own text changes nothing', () => {
    fc.assert(
      fc.property(anyScopes, (text) => {
        const scopes = ScopeSet.parse(text)
        const again = ScopeSet.parse(scopes.toString())
        expect(again.toString()).toBe(scopes.toString())
        expect(again.scopes).toEqual(scopes.scopes)
      }),
    )
  })

  it('SCP-10 missing and covers agree, and a scope is listed or missing', () => {
    fc.assert(
      fc.property(anyScopes, anyScopes, (granted, required) => {
        const scopes = ScopeSet.parse(granted)
        const missing = scopes.missing(required)
        expect(scopes.covers(required)).toBe(missing.length === 0)
        for (const text of missing) expect(scopes.has(text)).toBe(false)
      }),
    )
  })

  it('SCP-01 never throws, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyScopes,
          fc.string({ unit: 'binary' }).map((tail) => `patient/X.rs?${tail}`),
        ),
        (text) => {
          expect(parseScope(text).text).toBe(text)
          expect(ScopeSet.parse('openid').has(text)).toBe(
            parseScope(text).kind === 'identity' && text.endsWith('openid'),
          )
          expect(ScopeSet.parse([text]).size).toBeLessThanOrEqual(text.split(/\s+/).length)
        },
      ),
    )
  })
})
