import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { StoreName } from './open-store.ts'

/** What a process of the app keeps; `registration` of {@link TokenProcess.coldStart} says the rest. */
export interface TokenProcessSettings {
  store: StoreName
  storeUrl: string
  secret: string
  privateJwk: object
}

export interface ColdStart {
  registration: { fhirBaseUrl: string; clientId: string; scope: string }
  callers: number
  /** Calls on, as many again and again. */
  everyMilliseconds?: number
}

/** A process of the app, connected to the store. */
export interface TokenProcess {
  /** Each that it has used since its cold start, in the order in which it first did. */
  readonly tokens: readonly string[]
  /** Forgets its tokens; answers how many of its first callers were served. */
  coldStart(start: ColdStart): Promise<number>
  kill(): Promise<void>
}

type Message = { type: 'ready' } | { type: 'tokens'; tokens: string[] } | { type: 'served'; served: number }

/** @param script - `token-worker.mjs`, beside the packages that it imports */
export async function startTokenProcess(script: string, settings: TokenProcessSettings): Promise<TokenProcess> {
  const env = { PATH: process.env.PATH, WORKER_SETTINGS: JSON.stringify(settings) }
  // Without the arguments of the test runner, which lead to the sources.
  const child = fork(script, { env, execArgv: [] })
  let tokens: string[] = []
  child.on('message', (message: Message) => {
    if (message.type === 'tokens') tokens.push(...message.tokens)
  })
  await messageOf(child, 'ready')
  return {
    get tokens() {
      return tokens
    },
    async coldStart(start) {
      tokens = []
      child.send(start)
      return (await messageOf(child, 'served')).served
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

function messageOf<Type extends Message['type']>(
  child: ChildProcess,
  type: Type,
): Promise<Extract<Message, { type: Type }>> {
  return new Promise((resolve, reject) => {
    const end = (code: number | null) => reject(new Error(`A process of the app ended with ${code}.`))
    child.once('exit', end)
    child.on('message', function listen(message: Message) {
      if (message.type !== type) return
      child.off('message', listen).off('exit', end)
      resolve(message as Extract<Message, { type: Type }>) // by its type
    })
  })
}
