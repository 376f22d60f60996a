import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { endProgram, folderOnPath, isProgram, ownFolder, startProgram } from './server-program.ts'

export interface Nginx {
  readonly origin: string
  close(): Promise<void>
}

// Debian has it in /usr/sbin, which is not on everybody's PATH.
const program: string | undefined = ['/usr/sbin/nginx', join(folderOnPath('nginx') ?? '', 'nginx')].find(isProgram)

let isReported = false

/**
 * For `describe.skipIf(nginxIsMissing())`.
 *
 * @throws where it is missing and `FHIR_AUTH_TEST_ALL` says that nothing may be skipped
 */
export function nginxIsMissing(): boolean {
  if (program !== undefined) return false
  const line = 'Skipped: no nginx found. Install it.'
  if (process.env.FHIR_AUTH_TEST_ALL) throw new Error(line)
  if (!isReported) console.warn(line)
  isReported = true
  return true
}

export interface NginxOptions {
  /** A free port of 127.0.0.1. */
  readonly port: number
  /** The content of the block `http { … }`. */
  readonly settings: string
  /** The content of the block `server { … }`. */
  readonly location: string
}

export async function startNginx({ port, settings, location }: NginxOptions): Promise<Nginx> {
  if (program === undefined) throw new Error('There is no nginx. Ask nginxIsMissing() first.')
  const { folder, remove } = ownFolder('fhir-auth-nginx-')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const lines = [
    'daemon off;',
    'master_process off;',
    `pid ${folder}/nginx.pid;`,
    'error_log stderr notice;',
    'events {}',
    'http {',
    settings.includes('access_log') ? '' : 'access_log off;',
    settings,
    ...temporary.map((name) => `${name}_temp_path ${folder}/${name};`),
    `server { listen 127.0.0.1:${port}; ${location} }`,
    '}',
  ]
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, lines.join('\n'))
  // When it prints its limits, its sockets are listening.
  const child = await startProgram(program, ['-c', file, '-p', folder], { readyLine: 'getrlimit' })
  return {
    origin: `http://127.0.0.1:${port}`,
    async close() {
      await endProgram(child, 'SIGKILL')
      remove()
    },
  }
}
