import type { FhirAuthError } from '../errors.ts'
import { escapeHtml, htmlPage } from './html-page.ts'
import { ENGLISH_TEXTS, type Situation, situationOf, type VisitorTexts } from './visitor-texts.ts'

/** How the pages of this library look. */
export interface PageOptions {
  /** The name that people know the app by. Default: none is shown. */
  appName?: string | undefined
  /** Where `Back to the app` leads: a path, or an https URL. Default: no such link. */
  appUrl?: string | undefined
  /** Language of `texts`, as HTML has it: `de`. Default `en`. */
  language?: string | undefined
  /** In place of the English texts; those that are left out stay English. */
  texts?: Partial<VisitorTexts> | undefined
  /**
   * The whole page as HTML, in place of this library's. It has no inline scripts, and styles and pictures of the app's own
   * origin alone. Where it throws, this library's page is shown.
   */
  render?: ((page: ProblemPage) => string) | undefined
}

/** What a page for a visitor says. */
export interface ProblemPage {
  readonly situation: Situation
  readonly status: number
  readonly language: string
  readonly title: string
  readonly text: string
  readonly appName: string | undefined
  /** Ways out, the best one first. */
  readonly links: readonly { readonly text: string; readonly url: string }[]
  /** In the operator's line too; undefined where nothing was logged. */
  readonly reference: string | undefined
}

export interface ProblemPageParts {
  readonly error: FhirAuthError
  readonly retryUrl: string | undefined
  readonly reference: string | undefined
}

/** @returns the page as HTML, and whether the app has written it */
export function problemPage(parts: ProblemPageParts, options: PageOptions): { html: string; isOwn: boolean } {
  const page = pageOf(parts, options)
  try {
    const html = options.render?.(page)
    if (typeof html === 'string') return { html, isOwn: true }
  } catch {
    // A person in trouble gets a page, whatever else fails.
  }
  return { html: renderPage(page, { ...ENGLISH_TEXTS, ...options.texts }), isOwn: false }
}

function pageOf({ error, retryUrl, reference }: ProblemPageParts, options: PageOptions): ProblemPage {
  const { appName, appUrl, language = 'en' } = options
  const texts = { ...ENGLISH_TEXTS, ...options.texts }
  const situation = situationFor(error, retryUrl)
  const { title, text } = texts[situation]
  const links = [
    ...(retryUrl === undefined ? [] : [{ text: texts.logIn, url: retryUrl }]),
    ...(appUrl === undefined ? [] : [{ text: texts.backToApp, url: appUrl }]),
    ...(error.error_uri === undefined ? [] : [{ text: texts.moreAboutThis, url: error.error_uri }]),
  ]
  return { situation, status: error.status, language, title, text, appName, links, reference }
}

/** Who cannot log in here has to come from the EHR. */
function situationFor(error: FhirAuthError, loginUrl: string | undefined): Situation {
  const situation = situationOf(error)
  return situation === 'loggedOut' && loginUrl === undefined ? 'notOpened' : situation
}

function renderPage({ language, title, text, appName, links, reference }: ProblemPage, texts: VisitorTexts): string {
  const name = appName === undefined ? '' : `<p class="app">${escapeHtml(appName)}</p>`
  const ways = links.map(({ text, url }) => `<li><a href="${escapeHtml(url)}">${escapeHtml(text)}</a></li>`)
  const list = ways.length > 0 ? `<ul class="ways">${ways.join('')}</ul>` : ''
  const help =
    reference === undefined ? '' : `<p class="help">${escapeHtml(texts.askForHelp)} <code>${reference}</code></p>`
  return htmlPage(title, `<p>${escapeHtml(text)}</p>${list}${help}`, { language, before: name })
}
