import { createStyle, type Environment, isTerminal, type Output } from './output.ts'

/** Shows that something slow is running. */
export interface Progress {
  step<T>(title: string, work: () => Promise<T>): Promise<T>
}

const FRAMES = ['|', '/', '-', '\\']
const FRAME_MS = 100

/** A spinner on a terminal; nothing elsewhere. */
export function createProgress(output: Output, env: Environment): Progress {
  if (!isTerminal(output, env)) return { step: (_title, work) => work() }
  const { dim } = createStyle(output, env)
  return {
    async step(title, work) {
      let frame = 0
      const draw = () => {
        // Keep it to one line, because a wrapped line cannot be erased. A terminal of unknown width reports 0.
        const line = `${FRAMES[frame++ % FRAMES.length]} ${title} …`.slice(0, (output.columns || 80) - 1)
        output.write(`\r\u001b[2K${dim(line)}`)
      }
      draw()
      const timer = setInterval(draw, FRAME_MS)
      try {
        return await work()
      } finally {
        clearInterval(timer)
        output.write('\r\u001b[2K')
      }
    },
  }
}
