import { parseArgs } from 'node:util'
import { createSandbox } from './create-sandbox.ts'
import type { SandboxClient, SandboxOptions } from './sandbox-options.ts'

const usage = (command: string) => `Usage: ${command} [options]

  --mode smart|intelichart   default smart
  --host HOST                default 127.0.0.1
  --fhir-port PORT           default 4004
  --auth-port PORT           default 4005, used in mode intelichart
  --consent ask|auto         default ask; auto signs in the first patient without a page
  --client ID                an app, followed by what belongs to it:
    --secret SECRET            symmetric
    --jwks-url URL             asymmetric
    --redirect-uri URL         may be repeated
    --scope "SCOPES"           limits what it may be granted
  --json                     one line of JSON in place of text
  --help

Example: ${command} --client portal --secret secret --redirect-uri http://localhost:3000/callback`

/** A sandbox that runs until it is closed, or the exit code with which it did not start. */
export type RunningSandbox = { exitCode: number } | { close: () => Promise<void> }

/**
 * Runs the sandbox as its command does.
 *
 * @param args - the command's arguments; `--help` lists them
 * @param command - how the usage text calls the command
 */
export async function runSandbox(
  args: readonly string[],
  write: (line: string) => void = (line) => void process.stdout.write(`${line}\n`),
  command = 'fhir-auth-sandbox',
): Promise<RunningSandbox> {
  try {
    const parsed = parseOptions(args)
    if (parsed === 'help') {
      write(usage(command))
      return { exitCode: 0 }
    }
    const { json, options } = parsed
    const sandbox = await createSandbox({ ...options, inspector: true })
    const clients = options.clients?.map(({ clientId }) => clientId) ?? []
    const patients = sandbox.patients.map(({ id }) => id)
    if (json) {
      const { fhirBaseUrl, issuer } = sandbox
      write(
        JSON.stringify({
          fhirBaseUrl,
          issuer,
          ehrPage: `${issuer}/ehr`,
          inspector: inspectorUrl(issuer),
          clients,
          patients,
        }),
      )
      return { close: () => sandbox.close() }
    }
    write(`FHIR base     ${sandbox.fhirBaseUrl}`)
    write(`Issuer        ${sandbox.issuer}`)
    write(`EHR page      ${sandbox.issuer}/ehr`)
    write(`Inspector     ${inspectorUrl(sandbox.issuer)}`)
    for (const clientId of clients) write(`Client        ${clientId}`)
    write(`Patients      ${patients.join(', ')}`)
    write('Press Ctrl-C to stop.')
    return { close: () => sandbox.close() }
  } catch (error) {
    const inUse = portInUse(error)
    if (inUse !== undefined) {
      write(
        `Port ${inUse} is in use, perhaps by another sandbox. Stop that, or choose ports: --fhir-port, --auth-port.`,
      )
      return { exitCode: 1 }
    }
    write(`${error instanceof Error ? error.message : error}\n\n${usage(command)}`)
    return { exitCode: 2 }
  }
}

/** At a loopback address, also where the sandbox listens on every interface. */
function inspectorUrl(issuer: string): string {
  return `${issuer.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')}/inspector`
}

function parseOptions(args: readonly string[]): { json: boolean; options: SandboxOptions } | 'help' {
  const { values, tokens } = parseArgs({
    args: [...args],
    tokens: true,
    options: {
      mode: { type: 'string', default: 'smart' },
      host: { type: 'string' },
      'fhir-port': { type: 'string', default: '4004' },
      'auth-port': { type: 'string', default: '4005' },
      consent: { type: 'string', default: 'ask' },
      client: { type: 'string', multiple: true },
      secret: { type: 'string', multiple: true },
      'jwks-url': { type: 'string', multiple: true },
      'redirect-uri': { type: 'string', multiple: true },
      scope: { type: 'string', multiple: true },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return 'help'
  const { mode, consent } = values
  if (mode !== 'smart' && mode !== 'intelichart') throw new TypeError(`--mode ${mode}: use smart or intelichart`)
  if (consent !== 'ask' && consent !== 'auto') throw new TypeError(`--consent ${consent}: use ask or auto`)
  const options: SandboxOptions = {
    mode,
    consent,
    host: values.host,
    fhirPort: toPort('--fhir-port', values['fhir-port']),
    authPort: toPort('--auth-port', values['auth-port']),
    clients: readClients(tokens.flatMap((token) => (token.kind === 'option' ? [[token.name, token.value ?? '']] : []))),
  }
  return { json: values.json, options }
}

function toPort(option: string, value: string): number {
  const port = Number(value)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new TypeError(`${option} ${value}: use a number from 0 to 65535`)
}

/** What follows a `--client` belongs to it. */
function readClients(options: string[][]): SandboxClient[] {
  const clients: SandboxClient[] = []
  for (const [name = '', value = ''] of options) {
    const client = clients.at(-1)
    if (name === 'client') clients.push({ clientId: value })
    else if (['secret', 'jwks-url', 'redirect-uri', 'scope'].includes(name)) {
      if (!client) throw new TypeError(`--${name} needs a --client before it`)
      if (name === 'secret') client.clientSecret = value
      else if (name === 'jwks-url') client.jwksUrl = value
      else if (name === 'scope') client.scope = value
      else client.redirectUris = [...(client.redirectUris ?? []), value]
    }
  }
  return clients
}

function portInUse(error: unknown): number | undefined {
  const { code, port } = error as { code?: unknown; port?: number }
  return code === 'EADDRINUSE' ? port : undefined
}
