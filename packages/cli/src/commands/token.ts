import type { Command } from 'commander'
import { type CommandContext, type JsonOption, progressOf, show } from '../command-context.ts'
import { connect, loadKeys } from '../connection.ts'
import { printable, renderJson, renderTable, type Style } from '../output.ts'
import { addSettingOptions } from '../setting-options.ts'
import { readSettings, type SettingOptions } from '../settings.ts'
import { reportToken, type TokenFailure, type TokenReport } from '../token-report.ts'

type TokenOptions = SettingOptions & JsonOption & { reveal?: boolean | undefined }

function renderToken(report: TokenReport, style: Style): string {
  const { assertion, request, answer, token, error } = report
  const heading = (text: string) => `\n${style.bold(text)}\n`
  return [
    `${style.bold(report.fhirBaseUrl)}\n`,
    heading('Configuration'),
    renderTable(
      Object.entries(report.configuration).map(([name, { value, from }]) => [name, `${value} (from ${from})`] as const),
    ),
    heading('Discovery'),
    renderTable([
      ['token endpoint', report.tokenEndpoint],
      ...report.discoveredIn.map((source): [string, string] => ['found in', source]),
    ]),
    assertion && [
      heading('Assertion header'),
      renderJson(assertion.header),
      heading('Assertion claims'),
      renderJson(assertion.claims),
      assertion.compact && `${heading('Assertion')}  ${assertion.compact}\n`,
    ],
    request && [
      heading('Request'),
      `  ${request.method} ${printable(request.url)}\n`,
      renderTable([...Object.entries(request.headers), ...Object.entries(request.form)]),
    ],
    answer && [
      heading(`Answer ${answer.status}`),
      renderTable(Object.entries(answer.headers)),
      typeof answer.body === 'string' ? `  ${printable(answer.body)}\n` : renderJson(answer.body),
    ],
    '\n',
    token && [
      `${style.good('ok')}    A token for ${token.lifetimeSeconds} s, with the scope ${printable(token.scope)}\n`,
      token.scopeMissing.length > 0 &&
        `${style.warn('warn')}  Not granted: ${token.scopeMissing.join(' ')}. Check what is registered for this client.\n`,
      token.accessToken && `  ${token.accessToken}\n`,
    ],
    error && renderFailure(error, style),
  ]
    .flat()
    .filter((part) => typeof part === 'string')
    .join('')
}

function renderFailure({ message, retryAfterSeconds, check }: TokenFailure, style: Style): string[] {
  return [
    `${style.bad('FAIL')}  ${printable(message)}\n`,
    ...(retryAfterSeconds === undefined ? [] : [`      The server asks to wait ${retryAfterSeconds} s.\n`]),
    ...(check.length === 0 ? [] : [`\n${style.bold('What to check, the likeliest first')}\n`]),
    ...check.map((advice, index) => `  ${index + 1}. ${printable(advice)}\n`),
  ]
}

export function addToken(program: Command, context: CommandContext): void {
  addSettingOptions(
    program
      .command('token')
      .description('Get a backend token as the library would, and show what was sent and what came back.'),
    ['redirectUri'],
  )
    .option('--reveal', 'show the token and the whole assertion; a client secret stays hidden')
    .addHelpText(
      'after',
      '\nA client secret is read from CLIENT_SECRET or the file, never from an option.\n\nExample:\n  PRIVATE_JWKS=keys/private.jwks.json fhir-auth token --fhir-base-url https://fhir.example.com/r4 \\\n    --client-id my-job --scope "system/Patient.rs"',
    )
    .action(async (options: TokenOptions, command: Command) => {
      // A login's, which may stand in the same file or environment.
      const { redirectUri: _unused, ...settings } = await readSettings(options, context.env)
      const connection = connect(settings, await loadKeys(settings))
      const title = `Asking ${connection.client.fhirBaseUrl} for a token`
      const work = () => reportToken(connection, options.reveal === true)
      show(context, command, await progressOf(context, options).step(title, work), renderToken)
    })
}
