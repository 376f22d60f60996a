import type { Advice } from './advice.ts'
import { APP_ADVICE } from './app-table.ts'
import { LOGIN_ADVICE } from './login-table.ts'
import { NETWORK_ADVICE } from './network-table.ts'
import { READ_ADVICE } from './read-table.ts'
import { TOKEN_ADVICE } from './token-table.ts'

interface Section {
  readonly title: string
  readonly text: string
  readonly advice: readonly Advice[]
}

/** All advice, in the order in which an app meets its causes. */
export const SECTIONS: readonly Section[] = [
  {
    title: 'A server cannot be reached',
    text: 'The code or the system’s word for it is in the message of the error.',
    advice: Object.values(NETWORK_ADVICE),
  },
  {
    title: 'The authorization endpoint refuses a login',
    text: '`fhir-auth doctor --redirect-uri URL` asks it without a person. In an app the code is `authorization_failed`, or `authorization_denied`, and the server’s word is in `error`.',
    advice: Object.values(LOGIN_ADVICE),
  },
  {
    title: 'The token endpoint gives no token',
    text: '`fhir-auth token` shows what was sent and what came back. In an app the code is `token_request_refused`, and the server’s word is in `error`.',
    advice: Object.values(TOKEN_ADVICE),
  },
  {
    title: 'The FHIR server refuses a read',
    text: '`fhir-auth doctor` tries one read with a new token.',
    advice: Object.values(READ_ADVICE),
  },
  {
    title: 'People cannot use the app',
    text: 'The code is in the [log line](problems.md), which has the same reference id as the page that the person saw.',
    advice: Object.values(APP_ADVICE),
  },
]

/** The page `docs/troubleshooting.md`. */
export function troubleshootingPage(): string {
  return [
    '<!-- Written by `npx -y pnpm@10 docs:write` from the tables in packages/cli/src/advice. Change those. -->\n\n',
    '# Troubleshooting\n\n',
    'Look for what you see: a symptom, a code, or a server’s answer. The command `fhir-auth doctor` finds most of it by itself, and\n',
    'gives the same advice. [Errors](errors.md) has each code of this library. Words in capitals stand for your own values.\n',
    ...SECTIONS.map(
      ({ title, text, advice }) =>
        `\n## ${title}\n\n${text}\n\n| you see | because | do |\n|---|---|---|\n${advice.map(rowOf).join('')}`,
    ),
  ].join('')
}

function rowOf({ sees, cause, remedies, test: [file, title] }: Advice): string {
  const steps = remedies.map(shown)
  const [first = ''] = steps
  const list = steps.length === 1 ? first : steps.map((step, index) => `${index + 1}. ${step}`).join('<br>')
  return `| ${sees} | ${shown(cause)} | ${list} [Test](../${file} "${title.replaceAll('"', '&quot;')}") |\n`
}

/** Placeholders as a reader knows them, and Markdown's own characters as themselves. */
function shown(text: string): string {
  return text
    .replace(/\{(\w+)\}/g, (_place, name: string) => name.replace(/([A-Z])/g, '-$1').toUpperCase())
    .replace(/[|*]/g, (character) => `\\${character}`)
}
