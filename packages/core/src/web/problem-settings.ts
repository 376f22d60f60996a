import { callable, group, type OptionRule, type OptionRules, optionalText, refuseOption } from '../options.ts'
import { type LogOption, type ProblemLogger, type TellOperator, tellOperatorBy } from './problem-log.ts'
import type { PageOptions } from './problem-page.ts'
import { ENGLISH_TEXTS, type VisitorTexts } from './visitor-texts.ts'

/** How the problems of a launch or a backend service are shown to the visitor and logged for the operator. */
export interface ProblemSettings {
  readonly pages: PageOptions
  readonly tellOperator: TellOperator
  /** Where a person can log in; undefined if the app opens only from the EHR. */
  readonly loginUrl: string | undefined
  /** What a proxy cuts off from the paths that the browser sees. */
  readonly pathPrefix: string
  /** Where a form with POST logs out; undefined if the app has no logout. */
  readonly logoutUrl: string | undefined
  /** Which sites may frame the pages, as sources of the directive `frame-ancestors`. Undefined: none. */
  readonly frameAncestors: string | undefined
}

export const DEFAULT_PROBLEM_SETTINGS: ProblemSettings = Object.freeze({
  pages: {},
  tellOperator: tellOperatorBy(undefined),
  loginUrl: undefined,
  pathPrefix: '',
  logoutUrl: undefined,
  frameAncestors: undefined,
})

const settings = new WeakMap<object, ProblemSettings>()

/** @param owner - a handler or a context: a guard has one of them */
export function setProblemSettings(owner: object, its: ProblemSettings): void {
  settings.set(owner, its)
}

export function problemSettingsOf(owner: object | null | undefined): ProblemSettings {
  return (owner && settings.get(owner)) ?? DEFAULT_PROBLEM_SETTINGS
}

const PAGES = {
  appName: optionalText,
  appUrl: readAppUrl,
  language: optionalText,
  texts: readTexts,
  render: callable<NonNullable<PageOptions['render']>>(),
} satisfies OptionRules<PageOptions>

export const readPages: OptionRule<PageOptions> = group(PAGES)

export function readLog(value: unknown, option: string): LogOption {
  if (value === undefined || value === false) return value
  const { error, warn } = (value ?? {}) as Partial<Record<keyof ProblemLogger, unknown>>
  if (typeof error === 'function' && typeof warn === 'function') return value as ProblemLogger
  return refuseOption(
    `${option} must be false, or a logger with the methods error() and warn(), such as pino or console.`,
  )
}

function readAppUrl(value: unknown, option: string): string | undefined {
  const url = optionalText(value, option)
  if (url === undefined || /^\/(?![/\\])/.test(url) || /^https:\/\//i.test(url)) return url
  return refuseOption(`${option} must be a path such as '/', or an https URL.`)
}

function readTexts(value: unknown, option: string): PageOptions['texts'] {
  if (value === undefined) return undefined
  if (typeof value !== 'object' || value === null) return refuseOption(`${option} must be an object with texts.`)
  for (const [name, text] of Object.entries(value)) {
    if (!Object.hasOwn(ENGLISH_TEXTS, name)) {
      refuseOption(`${option}.${name} is not known. Known are ${Object.keys(ENGLISH_TEXTS).join(', ')}.`)
    }
    const wanted = typeof ENGLISH_TEXTS[name as keyof VisitorTexts]
    if (typeof text !== wanted) {
      refuseOption(`${option}.${name} must be ${wanted === 'string' ? 'a string' : '{ title, text }'}.`)
    }
  }
  return value as Partial<VisitorTexts>
}
