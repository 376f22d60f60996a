import { machine } from './machine.ts'
import { table, verdictText } from './markdown.ts'
import type { Part, PartReport } from './report.ts'

const INTRODUCTION = `# Performance

Written by \`npx -y pnpm@10 bench\`, which anyone can run: it installs the peers for itself, measures, and replaces all of
this page but the notes. \`npx -y pnpm@10 bench middleware --framework express\` measures one part and prints it.

What counts is a ratio within one run: things are measured in turn, round after round, and each round begins with
another one. A figure is the median of the rounds, with the quartiles in parentheses; a ratio is made round by round.
Where the spread hides a ratio, because 1 lies between its quartiles or two identical servers differ by as much, no
ratio is printed.`

/** One part, as Markdown: its goals, then what was measured. */
export function section(title: string, { goals, body }: PartReport): string {
  const rows = goals.map((goal) => [goal.what, goal.goal, goal.found, verdictText(goal.verdict)])
  return [`## ${title}`, ...(rows.length > 0 ? [table(['goal', 'at', 'found', ''], rows)] : []), body].join('\n\n')
}

/** The whole page. A part that was not measured now stays as it was; so do notes, which people write below the parts. */
export function page(parts: readonly Part[], reports: ReadonlyMap<Part, PartReport>, before = ''): string {
  const sections = parts.map((part) => {
    const report = reports.get(part)
    return report ? section(part.title, report) : sectionOf(before, part.title)
  })
  const notes = sectionOf(before, 'Notes')
  return `${[INTRODUCTION, machine(), ...sections, notes].filter((text) => text !== '').join('\n\n')}\n`
}

function sectionOf(page: string, title: string): string {
  const start = page.indexOf(`\n## ${title}\n`)
  if (start < 0) return ''
  const end = page.indexOf('\n## ', start + 1)
  return page.slice(start, end < 0 ? undefined : end).trim()
}
