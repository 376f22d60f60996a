// A key management service of its own process: the private key is made here and never leaves. It reads a JSON line with
// the bytes to sign, and writes one with the signature. ECDSA signatures are DER, as such services give them.
import { generateKeyPairSync, sign } from 'node:crypto'
import { createInterface } from 'node:readline'

const kind = process.argv[2] ?? 'ES384'
const hash = `sha${kind.slice(2)}`
const { publicKey, privateKey } = kind.startsWith('ES')
  ? generateKeyPairSync('ec', { namedCurve: { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }[kind] })
  : generateKeyPairSync('rsa', { modulusLength: 2048 })

const write = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
write({ publicJwk: publicKey.export({ format: 'jwk' }) })
for await (const line of createInterface({ input: process.stdin })) {
  const { id, message } = JSON.parse(line)
  write({ id, signature: sign(hash, Buffer.from(message, 'base64'), privateKey).toString('base64') })
}
