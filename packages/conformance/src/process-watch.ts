import { inspect } from 'node:util'

const CONSOLE_METHODS = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const

/** Records what this process prints and which rejections nobody handles, from now until `end()`. */
export function watchProcess(): { printed(): string; write(line: string): void; end(): Promise<unknown[]> } {
  const lines: string[] = []
  const rejections: unknown[] = []
  const onRejection = (reason: unknown) => rejections.push(reason)
  const restore: (() => void)[] = []
  for (const method of CONSOLE_METHODS) {
    const original: (...parts: unknown[]) => void = console[method]
    console[method] = (...parts: unknown[]) => {
      lines.push(parts.map((part) => (typeof part === 'string' ? part : inspectDeeply(part))).join(' '))
      original.apply(console, parts)
    }
    restore.push(() => {
      console[method] = original
    })
  }
  for (const stream of [process.stdout, process.stderr]) {
    const original = stream.write
    stream.write = ((...parts: Parameters<typeof original>) => {
      lines.push(String(parts[0]))
      return original.apply(stream, parts)
    }) as typeof original // one signature of its two
    restore.push(() => {
      stream.write = original
    })
  }
  process.on('unhandledRejection', onRejection)
  return {
    printed: () => lines.join('\n'),
    write: (line) => lines.push(line),
    async end() {
      // Node reports a rejection after the microtasks of the turn in which it happened.
      await new Promise((resolve) => setImmediate(resolve))
      process.off('unhandledRejection', onRejection)
      for (const undo of restore) undo()
      return rejections
    },
  }
}

/** Shows as much of a logged object as a logger could write. */
function inspectDeeply(value: unknown): string {
  return inspect(value, { depth: 8, showHidden: true })
}
