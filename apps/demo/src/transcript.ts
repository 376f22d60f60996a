/** Prints what happened, for a person to read. Of secrets only the length is shown. */

const isTerminal = process.stdout.isTTY === true
const paint = (code: number) => (text: string) => (isTerminal ? `\u001b[${code}m${text}\u001b[0m` : text)
const bold = paint(1)
const dim = paint(2)
const green = paint(32)
const red = paint(31)

const LABEL_WIDTH = 24

/** Parameters that are secrets. */
const SECRETS = new Set([
  'code',
  'state',
  'nonce',
  'code_challenge',
  'code_verifier',
  'client_assertion',
  'client_secret',
  'access_token',
  'refresh_token',
  'id_token',
  'jti',
  'session_state',
])

export function heading(text: string): void {
  console.log(`\n${bold(text)}`)
}

export function line(label: string, value = ''): void {
  console.log(`  ${label.padEnd(LABEL_WIDTH)} ${value}`.trimEnd())
}

/** Names and values below a line, secrets masked. */
export function members(entries: Iterable<readonly [string, unknown]>): void {
  for (const [name, value] of entries) {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    console.log(`    ${dim(name.padEnd(LABEL_WIDTH - 2))} ${SECRETS.has(name) ? masked(text) : text}`)
  }
}

export function masked(secret: string): string {
  return dim(`[${secret.length} characters]`)
}

let failures = 0

/** States a fact that was checked just now. */
export function check(fact: string, holds: boolean): void {
  if (!holds) failures++
  console.log(`  ${holds ? green('✓') : red('✗')} ${fact}`)
}

export function failureCount(): number {
  return failures
}
