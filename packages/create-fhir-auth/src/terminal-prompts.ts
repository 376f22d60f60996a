import { isCancel, select, text } from '@clack/prompts'
import type { Prompts } from './questions.ts'

/** Asks in the terminal, with arrow keys. */
export const terminalPrompts: Prompts = {
  async choose(message, titles) {
    const options = Object.entries(titles).map(([value, label]) => ({ value, label }))
    const answer = await select({ message, options })
    return isCancel(answer) ? undefined : answer
  },
  async write(message, initial) {
    const answer = await text({ message, placeholder: initial, defaultValue: initial })
    return isCancel(answer) ? undefined : answer
  },
}
