import { parseArgs } from 'node:util'
import { type AppChoices, answersTo, type Question, questions } from './choices.ts'
import { UsageError } from './usage-error.ts'

/** What the command line says. What it leaves out is asked. */
export interface Flags extends Partial<AppChoices> {
  folder?: string
  name?: string
  /** Take the defaults for what is not given, and ask nothing. */
  yes: boolean
  help: boolean
  version: boolean
}

const options = {
  framework: { type: 'string' },
  vendor: { type: 'string' },
  kind: { type: 'string' },
  store: { type: 'string' },
  name: { type: 'string' },
  yes: { type: 'boolean', short: 'y', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', default: false },
} as const

/**
 * Reads the command line.
 *
 * @throws {@link UsageError} for an unknown flag or value
 */
export function readFlags(args: readonly string[]): Flags {
  const { values, positionals } = parse(args)
  const [folder, ...others] = positionals
  if (others.length > 0)
    throw new UsageError(`One folder is enough, but there are ${positionals.length}: ${positionals}.`)
  const { name, yes, help, version } = values
  const flags: Flags = { yes, help, version }
  if (folder !== undefined) flags.folder = folder
  if (name !== undefined) flags.name = checkName(name, '--name')
  for (const question of questions) {
    const value = values[question]
    if (value !== undefined) Object.assign(flags, { [question]: checkChoice(question, value) })
  }
  return flags
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    // Node's own sentence names the flag. What may be written stands in the help.
    const [sentence = ''] = error instanceof Error ? error.message.split('. ') : []
    throw new UsageError(`${sentence.replace(/\.$/, '')}. The flags are: ${flagList()}.`)
  }
}

function flagList(): string {
  return Object.keys(options)
    .map((flag) => `--${flag}`)
    .join(', ')
}

function checkChoice(question: Question, value: string): string {
  const known = answersTo(question)
  if (known.includes(value)) return value
  throw new UsageError(`--${question} ${value} is not known. Write one of: ${known.join(', ')}.`)
}

/**
 * @param what - where the name comes from, for the message
 * @throws {@link UsageError} if npm would refuse it
 */
export function checkName(name: string, what: string): string {
  if (/^[a-z0-9][a-z0-9._-]{0,99}$/.test(name)) return name
  throw new UsageError(
    `${what}: "${name}" is no name for a package. Write small letters, digits, and - . _ after the first.`,
  )
}
