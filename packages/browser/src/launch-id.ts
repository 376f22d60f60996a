/** The launch that the page's address names; undefined if it names none. */
export function launchIdOfPage(): string | undefined {
  return new URLSearchParams(location.search).get('launch_id') ?? undefined
}

/** Names the launch, and says that a script of the app asks: a form of another site cannot send these. */
export function ownHeaders(given: HeadersInit | undefined, launchId: string | undefined): Headers {
  const headers = new Headers(given)
  headers.set('fhir-auth-request', '1')
  if (launchId !== undefined) headers.set('fhir-launch-id', launchId)
  return headers
}
