import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MENDING } from '../../src/client/keys/reading/mending.ts'
import { loadKeySet } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { programIsMissing } from '../support/installed-program.ts'

// Each command that a message advises is run, on the file that the message is about.

const openssl = !programIsMissing('openssl')
const openssh = !programIsMissing('ssh-keygen')

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const PEM = rsa.export({ type: 'pkcs8', format: 'pem' }) as string
const encrypted = { cipher: 'aes-256-cbc', passphrase: 'pass' }

function createFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'fhir-auth-mending-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return {
    run: (command: string) => execFileSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8', stdio: 'pipe' }),
    read: (name: string) => readFileSync(join(folder, name)),
    write: (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content, { mode: 0o600 }),
  }
}

/** Refused, with the command; and after the command, loaded. */
async function mend(file: string, content: string | Buffer, command: string, run = command) {
  const folder = createFolder()
  folder.write(file, content)
  const failure = await failureOf(() => loadKeySet(content))
  expect(failure.code).toBe('invalid_key')
  expect(failure.message).toContain(command)
  folder.run(run)
  await loadKeySet(folder.read('private.pem'))
  return failure.message
}

it('a BEGIN line with too few dashes', async () => {
  const bad = PEM.replace('-----BEGIN PRIVATE KEY-----', '----BEGIN PRIVATE KEY---')
  expect(await mend('key.pem', bad, MENDING.mendDashes)).toContain('too few dashes')
})

it('no dashes at all', async () => {
  await mend('key.pem', PEM.replaceAll('-', ''), MENDING.mendDashes)
})

it('"/n" in place of line ends', async () => {
  const folder = createFolder()
  const failure = await failureOf(() => loadKeySet(PEM.replaceAll('\n', '/n')))
  expect(failure.message).toContain('has "/n" where "\\n" is meant')
  expect(failure.message).toContain(MENDING.oneLine)
  folder.write('private.pem', PEM)
  const value = folder.run(MENDING.oneLine)
  expect(value).not.toContain('\n')
  await loadKeySet(value)
})

describe.runIf(openssl)('with openssl', () => {
  it('an encrypted PEM', async () => {
    const content = rsa.export({ type: 'pkcs8', format: 'pem', ...encrypted }) as string
    const message = await mend('key.pem', content, MENDING.decryptPem, `${MENDING.decryptPem} -passin pass:pass`)
    expect(message).toContain('is encrypted')
  })

  it('an encrypted PKCS#1 PEM', async () => {
    const content = rsa.export({ type: 'pkcs1', format: 'pem', ...encrypted }) as string
    await mend('key.pem', content, MENDING.decryptPem, `${MENDING.decryptPem} -passin pass:pass`)
  })

  it('an encrypted key in DER', async () => {
    const content = rsa.export({ type: 'pkcs8', format: 'der', ...encrypted })
    await mend('key.der', content, MENDING.decryptDer, `${MENDING.decryptDer} -passin pass:pass`)
  })

  it('a PKCS#12 file', async () => {
    const folder = createFolder()
    folder.write('k.pem', PEM)
    folder.run('openssl req -x509 -key k.pem -subj /CN=x -days 1 -out c.pem')
    folder.run('openssl pkcs12 -export -inkey k.pem -in c.pem -passout pass: -out key.p12')
    const message = await mend(
      'key.p12',
      folder.read('key.p12'),
      MENDING.fromPkcs12,
      `${MENDING.fromPkcs12} -passin pass:`,
    )
    expect(message).toContain('PKCS#12')
  })

  it('an RSA-PSS key', async () => {
    const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey
    const message = await mend('key.pem', pss.export({ type: 'pkcs8', format: 'pem' }) as string, MENDING.newKey)
    expect(message).toContain('is an RSA-PSS key, which cannot sign with RS384')
  })

  it('a DSA key', async () => {
    await mend('key.pem', '-----BEGIN DSA PRIVATE KEY-----\nMAA=\n-----END DSA PRIVATE KEY-----\n', MENDING.newKey)
  })
})

describe.runIf(openssh)('with ssh-keygen', () => {
  const made = (type: string) => {
    const folder = createFolder()
    folder.run(`ssh-keygen -q -t ${type} -N '' -f key`)
    return folder.read('key')
  }

  it.each(['rsa -b 2048', 'ecdsa -b 384'])('an OpenSSH key: %s', async (type) => {
    expect(await mend('key', made(type), MENDING.fromOpenSsh)).toContain('in the form of OpenSSH')
  })

  it.runIf(openssl)('an Ed25519 key, which ssh-keygen writes in no other form', async () => {
    expect(await mend('key', made('ed25519'), MENDING.newKey)).toContain('Ed25519 key of OpenSSH')
  })
})
