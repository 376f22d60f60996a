/**
 * Whether a request's `Host` names this sandbox. A page of another site whose name was made to lead to this machine (DNS
 * rebinding) sends that site's name: it must not read what is here.
 *
 * @param header - the `Host` header
 * @param listening - the address or name that the sandbox was told to listen on
 */
export function isAcceptedHost(header: string | undefined, listening: string): boolean {
  const hostname = hostnameOf(header ?? '')
  if (hostname === undefined) return false
  if (isLoopbackName(hostname)) return true
  // On every interface: by any address, which nobody can rebind, but by no name.
  if (listening === '0.0.0.0' || listening === '::') return isAddress(hostname)
  return hostname === hostnameOf(listening.includes(':') ? `[${listening}]` : listening)
}

/** Names that lead to this machine wherever they are asked (RFC 6761 §6.3), and its loopback addresses. */
function isLoopbackName(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost\.?|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}

const isAddress = (hostname: string): boolean => /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/.test(hostname)

/** The name as browsers compare it, without the port; undefined when it is none. */
function hostnameOf(header: string): string | undefined {
  if (!/^[\w.:[\]-]+$/.test(header) || !URL.canParse(`http://${header}`)) return undefined
  return new URL(`http://${header}`).hostname
}
