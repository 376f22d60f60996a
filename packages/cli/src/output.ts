import { styleText } from 'node:util'
import { shownText } from '@fhir-auth/core/internal'
import type { Finding } from './finding.ts'

/** Where text goes: `process.stdout` or `process.stderr`. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Marked words: coloured on a terminal, plain elsewhere. */
export interface Style {
  good(text: string): string
  warn(text: string): string
  bad(text: string): string
  dim(text: string): string
  bold(text: string): string
}

/** Colours only on a terminal, and not where they are unwanted (https://no-color.org). */
export function createStyle(output: Output, env: Environment): Style {
  const colourful = isTerminal(output, env) && !env.NO_COLOR
  const paint = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    // The stream was looked at already, and it need not be this process's own.
    colourful ? styleText(format, text, { validateStream: false }) : text
  return {
    good: paint('green'),
    warn: paint('yellow'),
    bad: paint('red'),
    dim: paint('dim'),
    bold: paint('bold'),
  }
}

export function isTerminal(output: Output, env: Environment): boolean {
  return output.isTTY === true && env.TERM !== 'dumb'
}

const MAX_LINE_CHARACTERS = 4000

/** Text from outside on one line, without characters that would move the cursor or change the colours. */
export function printable(text: string): string {
  return shownText(text, MAX_LINE_CHARACTERS)
}

/** Findings, one below the other: the fault, then what it means. */
export function renderFindings(findings: readonly Finding[], style: Style): string {
  return findings
    .map(({ level, code, what, meaning }) => {
      const mark = level === 'error' ? style.bad('FAIL') : style.warn('warn')
      return `${mark}  ${printable(what)} ${style.dim(`(${code})`)}\n      ${printable(meaning)}\n`
    })
    .join('')
}

/** Names and values in two columns. Names without a value are left out. */
export function renderTable(rows: readonly (readonly [name: string, value: string | undefined])[]): string {
  const present = rows.filter((row): row is readonly [string, string] => row[1] !== undefined)
  const width = Math.max(0, ...present.map(([name]) => name.length))
  return present.map(([name, value]) => `  ${printable(name).padEnd(width)}  ${printable(value)}\n`).join('')
}

/** Indented JSON, for a person to read. */
export function renderJson(value: unknown): string {
  const lines = JSON.stringify(value, null, 2).split('\n')
  return lines.map((line) => `  ${/^ */.exec(line)?.[0] ?? ''}${printable(line.trimStart())}\n`).join('')
}
