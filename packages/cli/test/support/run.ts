import { main } from '../../src/index.ts'

export interface Run {
  code: number
  stdout: string
  stderr: string
  /** stdout, as a program reads it. */
  json(): Record<string, unknown>
}

/** The command within this process: neither stream is a terminal. */
export async function run(args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  const written = { stdout: '', stderr: '' }
  const output = (name: 'stdout' | 'stderr') => ({
    write(text: string) {
      written[name] += text
    },
  })
  const code = await main(args, { stdout: output('stdout'), stderr: output('stderr'), env })
  return { code, ...written, json: () => JSON.parse(written.stdout) }
}

/** The codes of the findings in a JSON result, in order. */
export function findingCodes(result: Record<string, unknown>): string[] {
  return (result.findings as { code: string }[]).map(({ code }) => code)
}
