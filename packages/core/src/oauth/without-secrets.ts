import { readingsOf } from './readings.ts'

/** Servers quote what they were sent; shorter values would blot out ordinary words. */
const SHORTEST_SECRET = 4
/** So many characters of a secret in a row are not shown. */
const RUN = 8
const HIDDEN = '[secret]'

/**
 * The text without secrets. First each whole secret goes, in each spelling in which a request carries it. Then each word
 * that has 8 characters or more of one in a row, in any usual encoding, in capitals or not. If the rest still has some, across words, none of
 * the text is shown.
 */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const spellings = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => [secret, encodeURIComponent(secret), new URLSearchParams([['', secret]]).toString().slice(1)])
    // The longest first: what is left of a secret after a part of it was found is still a secret.
    .sort((a, b) => b.length - a.length)
  const rest = spellings.reduce((clean, spelling) => clean.replaceAll(spelling, HIDDEN), text)
  const runs = runsOf(secrets)
  if (!hasRun(rest, runs)) return rest
  const words = rest.replace(/\S+/g, (word) => (hasRun(word, runs) ? HIDDEN : word))
  return hasRun(words, runs) ? HIDDEN : words
}

/** Each run of the secrets. One that is in our own mark would hide every text. */
function runsOf(secrets: readonly string[]): Set<string> {
  const runs = new Set<string>()
  for (const secret of secrets) {
    for (let at = 0; at + RUN <= secret.length; at++) runs.add(secret.slice(at, at + RUN).toLowerCase())
  }
  runs.delete(HIDDEN)
  return runs
}

function hasRun(text: string, runs: ReadonlySet<string>): boolean {
  if (runs.size === 0) return false
  for (const read of readingsOf(text, RUN)) {
    const reading = read.toLowerCase()
    for (let at = 0; at + RUN <= reading.length; at++) if (runs.has(reading.slice(at, at + RUN))) return true
  }
  return false
}
