import { isHidden, type Spread, type Verdict } from './statistics.ts'

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

export function number(value: number): string {
  if (!Number.isFinite(value)) return '?'
  const size = Math.abs(value)
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { minimumFractionDigits: 0, maximumFractionDigits: digits })
}

/** `12.3 (11.9–12.8)`: the median, and the quartiles. */
export function spread({ median, low, high }: Spread): string {
  return `${number(median)} (${number(low)}–${number(high)})`
}

/** A ratio with its quartiles, or that there is none to be seen. */
export function ratio(value: Spread, noise = 0): string {
  const range = `${value.low.toFixed(2)}–${value.high.toFixed(2)}`
  return isHidden(value, noise) ? `within the spread (${range})` : `${value.median.toFixed(2)} (${range})`
}

export function verdictText(value: Verdict): string {
  return { met: 'met', missed: '**missed**', undecided: 'undecided' }[value]
}
