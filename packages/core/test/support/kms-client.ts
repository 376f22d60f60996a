import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export interface KmsClient {
  readonly publicJwk: object
  /** How often the service has signed. */
  readonly signatures: number
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

/** Starts a key management service in a process of its own; it ends with the test. */
export async function startKms(alg: string): Promise<KmsClient> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./kms-process.mjs', import.meta.url)), alg], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill())
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async () => JSON.parse((await lines.next()).value ?? '{}')
  const { publicJwk } = await answer()
  let signatures = 0
  let last: Promise<unknown> = Promise.resolve()
  return {
    publicJwk,
    get signatures() {
      return signatures
    },
    sign(bytes) {
      const id = ++signatures
      const result = last.then(async () => {
        child.stdin.write(`${JSON.stringify({ id, message: Buffer.from(bytes).toString('base64') })}\n`)
        return new Uint8Array(Buffer.from((await answer()).signature, 'base64'))
      })
      last = result
      return result
    },
  }
}
