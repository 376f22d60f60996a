import { networkOf } from '../http/network.ts'
import { refuseOption, textList } from '../options.ts'
import type { Answer } from './adapter-contract.ts'
import { problemSettingsOf } from './problem-settings.ts'

const POLICY = 'content-security-policy'
const DIRECTIVE = /frame-ancestors [^;]*/
/** A host source of Content Security Policy (CSP3 §2.3.1), reduced to an origin: `https://*.ehr.example:8443`. */
const ORIGIN = /^(https?):\/\/((?:\*\.)?[a-z\d-]+(?:\.[a-z\d-]+)*)(?::\d{1,5})?$/i

/** Reads the option `frameAncestors`: the origins, as the CSP directive lists them. Undefined if there are none. */
export function readFrameAncestors(value: unknown, option: string): string | undefined {
  const origins = textList(value, option) ?? []
  for (const origin of origins) {
    const [, scheme, host = ''] = ORIGIN.exec(origin) ?? []
    if (scheme === 'https' || (scheme === 'http' && networkOf(host) === 'loopback')) continue
    refuseOption(`${option} takes origins, such as 'https://ehr.example.com' or 'https://*.ehr.example.com'.`)
  }
  return origins.length === 0 ? undefined : origins.join(' ')
}

/** The answer with the `frame-ancestors` of its owner's settings. */
export function framedFor(owner: object, answer: Answer): Answer {
  const { frameAncestors } = problemSettingsOf(owner)
  return frameAncestors === undefined ? answer : framedBy(frameAncestors, answer)
}

/** The answer with these `frame-ancestors`. An answer without a Content-Security-Policy is not a page and stays as it is. */
export function framedBy(sources: string, answer: Answer): Answer {
  const policy = answer.headers[POLICY]
  if (policy === undefined) return answer
  return {
    ...answer,
    headers: { ...answer.headers, [POLICY]: policy.replace(DIRECTIVE, `frame-ancestors ${sources}`) },
  }
}
