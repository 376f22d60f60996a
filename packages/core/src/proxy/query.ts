/** The query of a URL as it was sent: after the first question mark, without the fragment. */
export function queryTextOf(url: string): string {
  const at = url.indexOf('?')
  return at < 0 ? '' : (url.slice(at + 1).split('#', 1)[0] ?? '')
}

/** Parameters as a server reads them: a further question mark belongs to a name, while `URLSearchParams` would drop a first one. */
export function parametersOf(queryText: string): URLSearchParams {
  return queryText === '' ? new URLSearchParams() : new URLSearchParams(`&${queryText}`)
}
