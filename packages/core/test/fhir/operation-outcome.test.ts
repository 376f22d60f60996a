import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outcomeSummary, readOperationOutcome } from '../../src/fhir/operation-outcome.ts'

const summaryOf = (...issue: object[]) =>
  outcomeSummary(readOperationOutcome(JSON.stringify({ resourceType: 'OperationOutcome', issue })))

describe('what a message says of an OperationOutcome', () => {
  it.each([
    ['its code alone', { code: 'forbidden' }, 'forbidden'],
    [
      'the text of its details',
      { code: 'invalid', details: { text: 'Unknown search parameter' } },
      'invalid: Unknown search parameter',
    ],
    [
      'else its diagnostics',
      { code: 'exception', diagnostics: 'Access is denied by rule' },
      'exception: Access is denied by rule',
    ],
    ['a code that is none is left out', { code: 'Max Mustermann', diagnostics: 'Not found' }, 'Not found'],
    ['nothing usable', { code: 7, diagnostics: {} }, undefined],
  ])('%s', (_name, issue, summary) => {
    expect(summaryOf(issue)).toBe(summary)
  })

  it('the first issue that is an error speaks, not a warning before it', () => {
    expect(summaryOf({ severity: 'warning', code: 'informational' }, { severity: 'error', code: 'conflict' })).toBe(
      'conflict',
    )
  })

  it.each([
    ['names', 'Patient Max Mustermann not found', 'Patient … not found'],
    ['numbers and dates', 'Value 1980-02-03 exceeds 17', 'Value … exceeds …'],
    ['ids after a type', 'Reference to Observation/abc is broken', 'Reference to Observation/… is broken'],
    ['quotes', `Code 'blood' and "pressure" and “high”`, 'Code … and … and …'],
    ['addresses', 'See https://ehr.example/Patient/x or mail max@ehr.example now', 'See … or mail … now'],
    ['letters of other scripts', 'No access for müller', 'No access for …'],
    ['control characters', 'No\u0000 access\r\nSet-Cookie: a=b', 'No access …'],
  ])('%s are masked', (_name, diagnostics, masked) => {
    expect(summaryOf({ diagnostics })).toBe(masked)
  })

  it('whatever the text is, the summary is one short line of plain words without a digit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), (diagnostics) => {
        expect(summaryOf({ diagnostics }) ?? '').toMatch(/^[A-Za-z …/,.:;()'-]{0,160}$/)
      }),
      { numRuns: 500 },
    )
  })
})

describe('reading an OperationOutcome', () => {
  it('never throws, whatever the JSON', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        outcomeSummary(readOperationOutcome(text))
        outcomeSummary(readOperationOutcome(`{"resourceType":"OperationOutcome","issue":[${text}]}`))
      }),
      { numRuns: 500 },
    )
  })
})
