import type { FhirAuthError } from '../errors.ts'
import { escapeHtml, htmlPage } from './html-page.ts'
import { ENGLISH_TEXTS, type Situation, situationOf, type VisitorTexts, WAYS_IN } from './visitor-texts.ts'

/** How the pages of this library look. */
export interface PageOptions {
  /** The name that people know the app by. Default: none is shown. */
  appName?: string | undefined
  /** Where `Back to the app` leads: a path, or an https URL. Default: no such link. */
  appUrl?: string | undefined
  /** Language of `texts`, as in HTML's `lang`: `de`. Default `en`. */
  language?: string | undefined
  /** Texts that replace the English ones. Those that are left out stay English. */
  texts?: Partial<VisitorTexts> | undefined
  /**
   * Renders the whole page as HTML. The page's Content-Security-Policy allows no scripts, and styles and images only from
   * the app's own origin. If this throws, the built-in page is shown.
   */
  render?: ((page: ProblemPage) => string) | undefined
}

/** The content of a page for a visitor. */
export interface ProblemPage {
  readonly situation: Situation
  readonly status: number
  readonly language: string
  readonly title: string
  readonly text: string
  readonly appName: string | undefined
  /** Ways out, the best one first. */
  readonly links: readonly { readonly text: string; readonly url: string }[]
  /** The same as in the operator's log line; undefined if nothing was logged. */
  readonly reference: string | undefined
}

export interface ProblemPageParts {
  readonly error: FhirAuthError
  readonly retryUrl: string | undefined
  readonly reference: string | undefined
}

/** @returns the page as HTML, and whether the app has rendered it */
export function problemPage(parts: ProblemPageParts, options: PageOptions): { html: string; isOwn: boolean } {
  const page = pageOf(parts, options)
  try {
    const html = options.render?.(page)
    if (typeof html === 'string') return { html, isOwn: true }
  } catch {
    // Show the built-in page instead.
  }
  return { html: renderPage(page, { ...ENGLISH_TEXTS, ...options.texts }), isOwn: false }
}

function pageOf({ error, retryUrl, reference }: ProblemPageParts, options: PageOptions): ProblemPage {
  const { appName, appUrl, language = 'en' } = options
  const texts = { ...ENGLISH_TEXTS, ...options.texts }
  const situation = situationFor(error, retryUrl)
  const { title, text } = texts[situation]
  const links = [
    ...(retryUrl === undefined ? [] : [{ text: texts[WAYS_IN[situation] ?? 'logInAgain'], url: retryUrl }]),
    ...(appUrl === undefined ? [] : [{ text: texts.backToApp, url: appUrl }]),
    ...(error.error_uri === undefined ? [] : [{ text: texts.moreAboutThis, url: error.error_uri }]),
  ]
  return { situation, status: error.status, language, title, text, appName, links, reference }
}

/** Without a login URL, the person has to open the app from the EHR. */
function situationFor(error: FhirAuthError, loginUrl: string | undefined): Situation {
  const situation = situationOf(error)
  return situation === 'loggedOut' && loginUrl === undefined ? 'notOpened' : situation
}

function renderPage({ language, title, text, appName, links, reference }: ProblemPage, texts: VisitorTexts): string {
  const ways = links.map(({ text, url }) => `<li><a href="${escapeHtml(url)}">${escapeHtml(text)}</a></li>`)
  const list = ways.length > 0 ? `<ul class="ways">${ways.join('')}</ul>` : ''
  const help =
    reference === undefined ? '' : `<p class="help">${escapeHtml(texts.askForHelp)} <code>${reference}</code></p>`
  return htmlPage(title, `<p>${escapeHtml(text)}</p>${list}${help}`, { language, appName })
}
