import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Store } from '@fhir-auth/core'
import type { Stage } from '../../../core/test/support/interleavings.ts'
import type { Command, Report, Result } from './messages.ts'

/** Every call is the same one: the process knows what it is about to do. */
function storeThat(call: () => Promise<void>): Store {
  return {
    get: () => call().then(() => undefined),
    set: call,
    swap: () => call().then(() => true),
    delete: call,
  }
}

/** A process of the app, whose every call to the store and the server stops on a stage. */
export interface AppInProcess {
  /** A new app in the process, on a new stage; what the one before still waits for never comes. */
  open(stage: Stage, app: { server: string; secret: string }): Promise<void>
  advance(seconds: number): void
  /** Sends a request, and waits for its answer and for all that goes on behind it. */
  act(request: { method?: string; url: string; cookie: string; launchId?: string | undefined }): Promise<Result>
  close(): Promise<void>
}

export async function startAppInProcess(name: string, script: string, redisUrl: string): Promise<AppInProcess> {
  const child = fork(script, { env: { PATH: process.env.PATH, REDIS_URL: redisUrl }, execArgv: [] })
  const send = (command: Command) => void child.send(command)
  const done = new Map<number, () => void>()
  let stage: Stage | undefined
  let opened = () => {}
  let failed: (reason: Error) => void = () => {}
  let answered: (result: Result) => void = () => {}

  /** The stage stops it as one of its own calls; then the process does it. */
  function stop({ id, of, isRead }: Report & { type: 'step' }): void {
    const call = () =>
      new Promise<void>((resolve) => {
        done.set(id, resolve)
        send({ type: 'permit', id })
      })
    if (of === 'the server') void stage?.fetch(name, () => call().then(() => new Response()))(of)
    else void stage?.store(name, storeThat(call))[isRead ? 'get' : 'delete'](of)
  }

  child.on('message', (report: Report) => {
    if (report.type === 'step') stop(report)
    else if (report.type === 'done') {
      done.get(report.id)?.()
      done.delete(report.id)
    } else if (report.type === 'opened') opened()
    else answered(report.result)
  })
  child.once('exit', (code) => failed(new Error(`The process of the app ended with ${code}.`)))
  await new Promise<void>((resolve, reject) => {
    opened = resolve
    failed = reject
  })
  return {
    open(newStage, app) {
      stage = newStage
      done.clear()
      send({ type: 'open', ...app })
      return new Promise((resolve) => {
        opened = resolve
      })
    },
    advance: (seconds) => send({ type: 'advance', seconds }),
    act({ method = 'GET', ...request }) {
      send({ type: 'act', method, ...request })
      return new Promise((resolve, reject) => {
        answered = resolve
        failed = reject
      })
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      // An order that was not run to its end still waits for answers.
      failed = () => {}
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}
