import { basename, resolve } from 'node:path'
import { type Answers, type AppChoices, answersTo, choices, type Question, questions } from './choices.ts'
import { checkName, type Flags } from './flags.ts'
import { UsageError } from './usage-error.ts'

/** Asks a person. `undefined`: the person gave up. */
export interface Prompts {
  choose(message: string, titles: Readonly<Record<string, string>>): Promise<string | undefined>
  write(message: string, initial: string): Promise<string | undefined>
}

const messages: Record<Question, string> = {
  framework: 'Which framework?',
  vendor: 'Whose EHR?',
  kind: 'What is it for?',
  store: 'Where are sessions kept?',
}

const DEFAULT_FOLDER = 'fhir-app'

/**
 * Completes the flags: by the defaults with `--yes`, else by asking.
 *
 * @param prompts - `undefined` where nobody can be asked
 * @returns `undefined` if the person gave up
 * @throws {@link UsageError} if something is missing and nobody can be asked
 */
export async function completeAnswers(flags: Flags, prompts: Prompts | undefined): Promise<Answers | undefined> {
  if (!flags.yes && prompts === undefined) refuseMissing(flags)
  const asked = flags.yes ? undefined : prompts

  const folder = flags.folder ?? (asked ? await asked.write('Into which folder?', DEFAULT_FOLDER) : DEFAULT_FOLDER)
  if (folder === undefined) return undefined
  const ownName = nameOf(folder)
  const name = flags.name ?? (asked ? await asked.write('What is its name?', ownName) : ownName)
  if (name === undefined) return undefined
  checkName(name, 'The name')

  const chosen: Partial<Record<Question, string>> = {}
  for (const question of questions) {
    const titles: Readonly<Record<string, string>> = choices[question]
    const [first = ''] = answersTo(question)
    const answer = flags[question] ?? (asked ? await asked.choose(messages[question], titles) : first)
    if (answer === undefined) return undefined
    chosen[question] = answer
  }
  // Each is a key of its question: a flag was checked, and a prompt offers nothing else.
  return { folder, name, ...(chosen as unknown as AppChoices) }
}

function refuseMissing(flags: Flags): void {
  const missing = questions.filter((question) => flags[question] === undefined)
  if (missing.length === 0) return
  const lines = missing.map((question) => `  --${question} ${answersTo(question).join(' | ')}`)
  throw new UsageError(
    `There is no terminal to ask in. Add these flags, or --yes for the first of each:\n${lines.join('\n')}`,
  )
}

/** A name for `package.json`, made of the folder's. */
function nameOf(folder: string): string {
  const name = basename(resolve(folder))
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 100)
  return name === '' ? DEFAULT_FOLDER : name
}
