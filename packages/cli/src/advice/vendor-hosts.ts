/** Domains of vendors that have a dialect of their own. Many of their servers are elsewhere, in the hospitals' domains. */
const VENDOR_DOMAINS: Readonly<Record<string, string>> = {
  'epic.com': 'epic',
  'cerner.com': 'oracle-health',
  'athenahealth.com': 'athenahealth',
  'meditech.com': 'meditech',
  'intelichart.com': 'intelichart',
}

/** The dialect of the vendor in whose domain a server is. */
export function vendorDialectOf(fhirBaseUrl: string): string | undefined {
  if (!URL.canParse(fhirBaseUrl)) return undefined
  const domain = new URL(fhirBaseUrl).hostname.split('.').slice(-2).join('.')
  return Object.hasOwn(VENDOR_DOMAINS, domain) ? VENDOR_DOMAINS[domain] : undefined
}
