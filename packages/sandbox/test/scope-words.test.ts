import { expect, test } from 'vitest'
import { scopeInWords } from '../src/scope-words.ts'

test.each([
  ['patient/*.rs', 'Read and search everything in this record'],
  ['patient/Observation.read', 'Read and search measurements and laboratory results in this record'],
  ['patient/QuestionnaireResponse.c', 'Add answers to questionnaires in this record'],
  ['user/Condition.cruds', 'Read, search, add, change and delete conditions that you may see yourself'],
  ['system/Patient.*', 'Read, search, add, change and delete name, birth date and address in all records'],
  ['patient/Basic.r', 'Read data of the kind Basic in this record'],
  [
    'patient/Observation.rs?category=vital-signs&status=final',
    'Read and search measurements and laboratory results in this record, only where category=vital-signs and status=final',
  ],
  ['launch/patient', 'Know whose record this is'],
  ['offline_access', 'Stay connected when you are not there'],
])('%s in words: %s', (scope, words) => {
  expect(scopeInWords(scope)).toBe(words)
})

test.each(['', 'patient/Observation', 'patient/Observation.x', 'constructor', 'https://ehr.example/special'])(
  'a scope that has no words stays as it is: %s',
  (scope) => {
    expect(scopeInWords(scope)).toBeUndefined()
  },
)
