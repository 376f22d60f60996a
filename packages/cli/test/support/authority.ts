import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './temporary-folder.ts'

export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface CertificateOptions {
  /** What it is for, as openssl writes it. Default: `IP:127.0.0.1`. */
  readonly subjectAltName?: string
  /** From when and until when it is valid, in days from now. Default: from yesterday until tomorrow. */
  readonly fromDays?: number
  readonly untilDays?: number
}

/** A certificate authority of this test, made by openssl. */
export interface Authority {
  /** Its own certificate, and the file that has it. */
  readonly ca: string
  readonly caFile: string
  issue(name: string, options?: CertificateOptions): Certificate
  /** An authority whose certificate is of this one. */
  createIntermediate(): Authority
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

// `openssl x509` cannot choose the day a certificate begins before openssl 3.4, and `openssl ca` always could.
const CONFIGURATION = `
[ca]
default_ca = authority
[authority]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
`

export function createAuthority(): Authority {
  const folder = temporaryFolder()
  openssl(
    folder,
    'req',
    '-x509',
    ...NEW_KEY,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '1',
    ...named('Hospital authority'),
  )
  return authorityIn(folder)
}

/** The authority whose certificate and key are in this folder. */
function authorityIn(folder: string): Authority {
  writeFileSync(join(folder, 'ca.cnf'), CONFIGURATION)
  writeFileSync(join(folder, 'index.txt'), '')
  writeFileSync(join(folder, 'serial'), '01\n')
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const sign = (name: string, extension: string, { fromDays = -1, untilDays = 1 }: CertificateOptions = {}) => {
    const request = ['-keyout', `${name}.key`, '-out', `${name}.csr`, ...named(name), '-addext', extension]
    openssl(folder, 'req', '-new', ...NEW_KEY, ...request)
    const times = ['-startdate', timeIn(fromDays), '-enddate', timeIn(untilDays)]
    const files = ['-cert', 'ca.pem', '-keyfile', 'ca.key', '-in', `${name}.csr`, '-out', `${name}.pem`]
    openssl(folder, 'ca', '-batch', '-notext', '-config', 'ca.cnf', ...files, ...times)
    return { cert: read(`${name}.pem`), key: read(`${name}.key`) }
  }
  return {
    ca: read('ca.pem'),
    caFile: join(folder, 'ca.pem'),
    issue: (name, options) => sign(name, `subjectAltName=${options?.subjectAltName ?? 'IP:127.0.0.1'}`, options),
    createIntermediate() {
      const { cert, key } = sign('Department', 'basicConstraints=critical,CA:TRUE')
      const own = temporaryFolder()
      writeFileSync(join(own, 'ca.pem'), cert)
      writeFileSync(join(own, 'ca.key'), key)
      return authorityIn(own)
    },
  }
}

function openssl(folder: string, ...args: string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
}

function named(name: string): string[] {
  return ['-subj', `/CN=${name}`]
}

function timeIn(days: number): string {
  const time = new Date(Date.now() + days * 24 * 3600_000).toISOString()
  return `${time.replace(/\D/g, '').slice(0, 14)}Z`
}
