import { answersTo, questions } from './choices.ts'
import { readFlags } from './flags.ts'
import { nextSteps } from './next-steps.ts'
import { completeAnswers, type Prompts } from './questions.ts'
import { ownVersion, renderApp } from './render-app.ts'
import { UsageError } from './usage-error.ts'
import { refuseFullFolder, writeApp } from './write-app.ts'

/** Where the command writes, and whom it asks. Default: this process and its terminal. */
export interface MainOptions {
  stdout?: { write(text: string): unknown } | undefined
  stderr?: { write(text: string): unknown } | undefined
  /** `undefined`: the terminal, if there is one. `null`: nobody can be asked. */
  prompts?: Prompts | null | undefined
}

/**
 * Runs the command `create-fhir-auth`: asks what is not in the flags, and writes an app.
 *
 * @param args - without the program's own name
 * @returns the exit code: 0 when the app is written, 1 when the person gave up, 2 for wrong usage
 */
export async function main(args: readonly string[], options: MainOptions = {}): Promise<0 | 1 | 2> {
  const { stdout = process.stdout, stderr = process.stderr } = options
  try {
    const flags = readFlags(args)
    if (flags.help) {
      stdout.write(help())
      return 0
    }
    if (flags.version) {
      stdout.write(`${ownVersion()}\n`)
      return 0
    }
    // Before any question: nobody should answer six of them for nothing.
    if (flags.folder !== undefined) await refuseFullFolder(flags.folder)
    const answers = await completeAnswers(flags, await promptsOf(options.prompts))
    if (answers === undefined) {
      stderr.write('Nothing was written.\n')
      return 1
    }
    await refuseFullFolder(answers.folder)
    await writeApp(answers.folder, renderApp(answers))
    stdout.write(`\n${nextSteps(answers)}`)
    return 0
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    stderr.write(`${error.message}\n`)
    return 2
  }
}

async function promptsOf(given: Prompts | null | undefined): Promise<Prompts | undefined> {
  if (given !== undefined) return given ?? undefined
  if (!process.stdin.isTTY || !process.stdout.isTTY) return undefined
  const { terminalPrompts } = await import('./terminal-prompts.ts')
  return terminalPrompts
}

function help(): string {
  const flags = questions.map((question) => `  --${question.padEnd(10)} ${answersTo(question).join(' | ')}`)
  return `Usage: create-fhir-auth [folder] [flags]

Writes a small SMART on FHIR app. It asks for what no flag says.

${flags.join('\n')}
  --name       the name in package.json; default: the folder's
  --yes, -y    ask nothing: take the first of each where no flag says otherwise
  --version    print the version
  --help, -h   print this

Exit codes: 0 the app is written, 1 given up, 2 wrong usage.
`
}
