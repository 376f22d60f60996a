import type { Command } from 'commander'
import { type CommandContext, errorStyle, type JsonOption, progressOf, show } from '../command-context.ts'
import { exitCodes } from '../exit-codes.ts'
import { checkHostedJwks, type HostedJwksReport } from '../hosted-jwks.ts'
import { isReadableByOthers, loadKeyText, readTextFile } from '../key-file.ts'
import { datedKeys, stateText } from '../key-states.ts'
import { renderFindings, renderTable, type Style } from '../output.ts'
import { UsageError } from '../usage-error.ts'

interface JwksOptions extends JsonOption {
  check?: string | undefined
}

function renderHostedJwks(report: HostedJwksReport, style: Style): string {
  const { url, status, contentType, cacheSeconds, keys, findings } = report
  const verdict = report.ok
    ? `${style.good('ok')}    A server can use it.`
    : `${style.bad('FAIL')}  A server cannot use it.`
  return [
    `${style.bold(url)}\n`,
    renderTable([
      ['status', status?.toString()],
      ['content type', contentType],
      ['kept for', cacheSeconds === undefined ? undefined : `${cacheSeconds} s`],
      ...keys.map(({ kid, alg }): [string, string] => ['key', `${kid ?? '(no kid)'} ${alg ?? '(no alg)'}`]),
    ]),
    `\n${renderFindings(findings, style)}${verdict}\n`,
  ].join('')
}

export function addJwks(program: Command, context: CommandContext): void {
  program
    .command('jwks')
    .description('Print the public set of a private key file, or check a hosted set as an authorization server would.')
    .argument('[file]', 'a private JWK, JWK Set or PEM file; with --check, its keys must be in the hosted set')
    .option('--check <url>', 'fetch a hosted JWK Set and say what is wrong with it')
    .addHelpText('after', '\nExample:\n  fhir-auth jwks --check https://jobs.example.com/.well-known/jwks.json')
    .action(async (file: string | undefined, options: JwksOptions, command: Command) => {
      if (file === undefined && options.check === undefined) {
        throw new UsageError('Name a key file, or a URL with --check.')
      }
      const keys = file === undefined ? undefined : await loadKeyText(await readTextFile(file), file)
      const now = Date.now()
      const { check } = options
      if (check !== undefined) {
        const work = () => checkHostedJwks(check, keys)
        show(context, command, await progressOf(context, options).step(`Fetching ${check}`, work), renderHostedJwks)
        return
      }
      // The set alone, so that it can go into a file or a registration form. What the keys do is said beside it.
      context.stdout.write(`${JSON.stringify(keys?.publicJwks(now), null, options.json ? 0 : 2)}\n`)
      if (keys && !options.json) {
        context.stderr.write(renderTable(datedKeys(keys, now).map((key) => [`${key.kid} ${key.alg}`, stateText(key)])))
      }
      if (file !== undefined && (await isReadableByOthers(file))) {
        const warning = `Others on this machine may read ${file}. Take that away: chmod 600 ${file}`
        context.stderr.write(`${errorStyle(context).warn('warn')}  ${warning}\n`)
      }
      context.exitWith(exitCodes.ok)
    })
}
