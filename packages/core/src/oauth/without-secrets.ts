import { readingsOf } from './readings.ts'

/** Shorter values are not searched for, because they would hide ordinary words. */
const SHORTEST_SECRET = 4
/** This many characters of a secret in a row are hidden. */
const RUN = 8
const HIDDEN = '[secret]'

/**
 * Removes secrets from a text, because servers quote what they were sent. First it hides each whole secret, in each spelling
 * that a request uses. Then it hides each word with 8 or more characters of a secret in a row, in any usual encoding and in
 * any case. If the rest still contains such a run across words, the whole text is hidden.
 */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const spellings = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => [secret, encodeURIComponent(secret), new URLSearchParams([['', secret]]).toString().slice(1)])
    // The longest first, so that no rest of a longer secret remains.
    .sort((a, b) => b.length - a.length)
  const rest = spellings.reduce((clean, spelling) => clean.replaceAll(spelling, HIDDEN), text)
  const runs = runsOf(secrets)
  if (!hasRun(rest, runs)) return rest
  const words = rest.replace(/\S+/g, (word) => (hasRun(word, runs) ? HIDDEN : word))
  return hasRun(words, runs) ? HIDDEN : words
}

/** All runs of the secrets, except one that equals our own mark, which would hide every text. */
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
