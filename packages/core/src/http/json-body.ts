import { FhirAuthError } from '../errors.ts'
import { isTooDeep, MOST_LEVELS } from '../shared/nesting.ts'
import { shownText } from '../shared/shown-text.ts'
import { shownUrl } from './secure-url.ts'
import type { HttpAnswer } from './send-bounded.ts'

/**
 * The JSON object in a response body. The content type is ignored, because servers mislabel JSON.
 *
 * @throws `invalid_response` if it is not a JSON object, or is nested too deeply
 */
export function jsonObject(answer: HttpAnswer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(answer.body)
  } catch {
    const type = answer.headers.get('content-type') ?? 'no content type'
    throw new FhirAuthError(
      'invalid_response',
      `${shownUrl(answer.url)} answered ${answer.status} with a body that is not JSON (${shownText(type)}). Check the URL, and that no proxy or login page answers there.`,
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FhirAuthError(
      'invalid_response',
      `${shownUrl(answer.url)} answered ${answer.status} with JSON that is not an object.`,
    )
  }
  if (isTooDeep(value)) {
    throw new FhirAuthError(
      'invalid_response',
      `${shownUrl(answer.url)} answered ${answer.status} with JSON that is nested in more than ${MOST_LEVELS} levels.`,
    )
  }
  return value as Record<string, unknown>
}
