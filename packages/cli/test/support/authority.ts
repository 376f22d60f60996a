import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './temporary-folder.ts'

export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** A certificate authority of this test, made by openssl. */
export interface Authority {
  /** Its own certificate, and the file that has it. */
  readonly ca: string
  readonly caFile: string
  issue(name: string): Certificate
}

export function createAuthority(): Authority {
  const folder = temporaryFolder()
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '1',
    '-subj',
    '/CN=Hospital authority',
  )
  return {
    ca: read('ca.pem'),
    caFile: join(folder, 'ca.pem'),
    issue(name) {
      openssl('req', '-new', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
      writeFileSync(join(folder, `${name}.ext`), 'subjectAltName=IP:127.0.0.1\n')
      const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-extfile', `${name}.ext`]
      openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...signed)
      return { cert: read(`${name}.pem`), key: read(`${name}.key`) }
    },
  }
}
