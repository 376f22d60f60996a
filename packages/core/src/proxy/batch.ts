import { type CheckedRule, ruleFor, ruleTextFor } from './allow-list.ts'
import { readInteraction } from './interaction.ts'
import { checkPatient, type PatientLimit } from './patient-rule.ts'
import { parametersOf } from './query.ts'

/**
 * Why a batch or transaction is refused (FHIR R4 §3.1.0.11); undefined if each of its entries would be allowed alone. A search in
 * an entry must name the patient itself: the body is sent as it is.
 */
export function checkBatch(
  body: unknown,
  rules: readonly CheckedRule[],
  limit: PatientLimit | undefined,
): string | undefined {
  const { resourceType, type, entry } = (body ?? {}) as Record<string, unknown>
  if (resourceType !== 'Bundle' || (type !== 'batch' && type !== 'transaction')) {
    return 'A POST to the base needs a Bundle of the type batch or transaction.'
  }
  if (!Array.isArray(entry)) return 'The Bundle has no entries.'
  for (const [index, item] of entry.entries()) {
    const reason = checkEntry(item, rules, limit)
    if (reason !== undefined) return `Entry ${index}: ${reason}`
  }
  return undefined
}

function checkEntry(item: unknown, rules: readonly CheckedRule[], limit: PatientLimit | undefined): string | undefined {
  const { request, resource } = objectOf(item)
  const { method, url, ifNoneExist } = objectOf(request)
  if (typeof method !== 'string' || typeof url !== 'string') return 'It has no request with method and url.'
  // At the first question mark, as a server does. A further one is part of a value.
  const [, path = '', text = ''] = /^([^?]*)\??(.*)$/s.exec(url) ?? []
  // Some servers would also separate parameters there. The body is sent as it is.
  if (text.includes(';')) return 'Write the semicolon in its url as %3B.'
  const query = parametersOf(text)
  const interaction = readInteraction(method, path, query)
  if (interaction === undefined || interaction.type === undefined) {
    return 'Its url must be relative, such as Patient/123, and name a resource type.'
  }
  const rule = ruleFor(rules, interaction, query)
  if (rule === undefined) return `It is not allowed. Add ${ruleTextFor(interaction)} to allow of fhirProxy().`
  const written = objectOf(resource).resourceType
  if (written !== undefined && written !== interaction.type && interaction.interaction !== 'operation') {
    return `It writes a ${String(written).slice(0, 40)} as ${interaction.type}.`
  }
  if (limit === undefined || rule.isPatientUnchecked) return undefined
  if (ifNoneExist !== undefined) return 'ifNoneExist could match data of another patient.'
  const before = [...query].length
  const reason = checkPatient(interaction, { query, rule }, limit)
  if (reason === undefined && [...query].length > before)
    return `A search must name the patient: add ${[...query.keys()].at(-1)}.`
  return reason
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
