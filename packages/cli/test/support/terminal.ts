import { spawnSync } from 'node:child_process'

/** Wraps a command so that it runs on a terminal of its own. */
export type Terminal = (command: readonly string[]) => string[]

/** By what a plain machine has; undefined where it has nothing of the kind. */
export function findTerminal(): Terminal | undefined {
  // util-linux: -e passes on the exit code.
  if (works('script', ['-qec', 'exit 7', '/dev/null'])) {
    return (command) => ['script', '-qec', command.map(quoted).join(' '), '/dev/null']
  }
  const python = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))'
  if (works('python3', ['-c', python, 'sh', '-c', 'exit 7'])) return (command) => ['python3', '-c', python, ...command]
  return undefined
}

function works(command: string, args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 7
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
