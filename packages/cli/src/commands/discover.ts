import { FhirAuthError } from '@fhir-auth/core'
import { checkSecureUrl } from '@fhir-auth/core/internal'
import type { Command } from 'commander'
import { type CommandContext, type JsonOption, progressOf, show } from '../command-context.ts'
import { DIALECT_NAMES, dialectNamed } from '../dialects.ts'
import { printable, renderFindings, renderTable, type Style } from '../output.ts'
import { inspectServer, type ServerReport } from '../server-inspection.ts'
import { UsageError } from '../usage-error.ts'

interface DiscoverOptions extends JsonOption {
  dialect: string
  issuer?: string | undefined
}

/** @throws UsageError if it is not a FHIR base URL, before anything is sent */
function checkBaseUrl(url: string): string {
  if (/\/(?:\.well-known\/[^/]*|metadata)\/?$/.test(url)) {
    throw new UsageError(
      `Give the FHIR base URL, without what follows it: ${url.replace(/\/(?:\.well-known\/.*|metadata\/?)$/, '')}`,
    )
  }
  try {
    const { search, hash } = checkSecureUrl(url, 'The FHIR base URL')
    if (search || hash) throw new UsageError('The FHIR base URL has no query and no fragment.')
  } catch (error) {
    if (error instanceof FhirAuthError) throw new UsageError(error.message)
    throw error
  }
  return url
}

function renderServer(report: ServerReport, style: Style): string {
  const { sources, endpoints, issuer, capabilities, algorithms, findings } = report
  const list = (values: readonly string[] | undefined) => values?.join(' ')
  return [
    `${style.bold(report.fhirBaseUrl)}\n`,
    ...sources.map(({ document, url, found, reason }) => {
      const mark = found ? style.good('found') : style.dim('-----')
      return `  ${mark}  ${document}  ${printable(url ?? '')}\n${reason === undefined ? '' : `         ${printable(reason)}\n`}`
    }),
    `\n${style.bold('What an app uses')}\n`,
    renderTable([
      ['issuer', issuer],
      ...Object.entries(endpoints),
      ['grants', list(report.grantTypes)],
      ['client authentication', list(report.authMethods)],
      ['assertion algorithms', list(algorithms.assertion)],
      ['id_token algorithms', list(algorithms.idToken)],
      ['PKCE', list(report.pkce)],
      ['capabilities', list(capabilities)],
    ]),
    `\n${renderFindings(findings, style)}`,
    report.ok ? `${style.good('ok')}    An app can work with it.\n` : `${style.bad('FAIL')}  See above.\n`,
  ].join('')
}

export function addDiscover(program: Command, context: CommandContext): void {
  program
    .command('discover')
    .description('Show what a FHIR server says of its authorization, where, and what that means for an app.')
    .argument('<url>', 'the FHIR base URL')
    .option('--issuer <url>', 'where openid-configuration is, if the server does not say')
    .option('--dialect <name>', `where to look first: ${DIALECT_NAMES.join(', ')}`, 'smart')
    .addHelpText('after', '\nExample:\n  fhir-auth discover https://fhir.example.com/r4')
    .action(async (url: string, options: DiscoverOptions, command: Command) => {
      const { dialect, issuer } = options
      const target = { fhirBaseUrl: checkBaseUrl(url), dialect: dialectNamed(dialect, { issuer }) }
      const report = await progressOf(context, options).step(`Asking ${url}`, () => inspectServer(target))
      show(context, command, report, renderServer)
    })
}
