import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createSandbox, type Sandbox } from '@fhir-auth/sandbox'
import { type Ledger, openLedger } from './ledger.ts'
import type { StoreKind, StoreServer } from './shared-store.ts'
import type { WorkerMessage, WorkerSettings } from './worker.ts'

export interface FleetOptions {
  /** Of the app: from `bundleWorker()`. */
  script: string
  store: StoreKind
  processes: number
  /** Default 5. */
  accessTokenSeconds?: number | undefined
  /** The app's option. */
  timeoutSeconds?: number | undefined
}

export interface FleetEvent {
  readonly pid: number | undefined
  readonly event: string
  readonly launchId: string | undefined
}

/** One process of the app. It keeps its port when it starts again. */
export interface FleetProcess {
  readonly origin: string
  readonly pid: number | undefined
  readonly isUp: boolean
  kill(): Promise<void>
  start(): Promise<void>
  pause(): void
  resume(): void
}

/** The app in several processes, on one store and one authorization server with rotation and reuse detection. */
export interface Fleet {
  readonly processes: readonly FleetProcess[]
  readonly store: StoreServer
  readonly sandbox: Sandbox
  readonly ledger: Ledger
  /** What the processes have told, in order. */
  readonly events: readonly FleetEvent[]
  close(): Promise<void>
}

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { script, store: kind, processes: count, accessTokenSeconds = 5, timeoutSeconds } = options
  const store = await kind.start()
  const clientSecret = randomBytes(24).toString('base64url')
  const ports = await freePorts(count)
  const redirectUri = `http://127.0.0.1:${ports[0]}/callback`
  const sandbox = await createSandbox({
    accessTokenSeconds,
    consent: 'auto',
    clients: [{ clientId: 'portal', clientSecret, redirectUris: [redirectUri] }],
  })
  const shared = {
    store: kind.name,
    storeUrl: store.url,
    fhirBaseUrl: sandbox.fhirBaseUrl,
    clientId: 'portal',
    clientSecret,
    sessionSecret: randomBytes(32).toString('base64url'),
    redirectUri,
    timeoutSeconds,
  }
  const events: FleetEvent[] = []
  const ledger = openLedger(sandbox)
  const processes = ports.map((port) => fleetProcess(script, { ...shared, port }, (event) => events.push(event)))
  await Promise.all(processes.map((process) => process.start()))
  return {
    ...{ processes, store, sandbox, ledger, events },
    async close() {
      await Promise.all(processes.map((process) => process.kill()))
      await Promise.all([store.close(), sandbox.close()])
    },
  }
}

function fleetProcess(script: string, settings: WorkerSettings, onEvent: (event: FleetEvent) => void): FleetProcess {
  let child: ChildProcess | undefined
  let isUp = false
  return {
    origin: `http://127.0.0.1:${settings.port}`,
    get pid() {
      return child?.pid
    },
    get isUp() {
      return isUp
    },
    async kill() {
      isUp = false
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
    async start() {
      const started = fork(script, { env: { ...process.env, WORKER_SETTINGS: JSON.stringify(settings) } })
      child = started
      await new Promise<void>((resolve, reject) => {
        started.once('exit', (code) =>
          reject(new Error(`A process of the app ended with ${code} before it was ready.`)),
        )
        started.on('message', (message: WorkerMessage) => {
          if (message.type === 'ready') resolve()
          else onEvent({ pid: started.pid, event: message.event, launchId: message.launchId })
        })
      })
      isUp = true
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port) // TCP servers that listen
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
