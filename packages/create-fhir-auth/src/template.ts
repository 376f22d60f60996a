/**
 * What a template may say, each on a line of its own, behind the comment sign of its language:
 *
 *     #only login            the whole file is for these answers
 *     #if redis postgres     until its #end: the lines are for one of these answers
 *     #if !memory            until its #end: the lines are for all other answers
 *
 * An `#if` may stand inside of another one. `{{name}}` is replaced anywhere.
 */
export interface TemplateInput {
  /** The answers that hold: `express`, `login`, `redis` … */
  readonly facts: ReadonlySet<string>
  readonly values: Readonly<Record<string, string>>
}

const DIRECTIVE = /^\s*(?:\/\/|#|<!--)\s*#(only|if|end)\b([^\n]*?)(?:-->)?\s*$/

/**
 * Fills one template.
 *
 * @returns `undefined` if the file is not for these answers
 * @throws for a template that is wrong itself: an unknown value, an `#if` without `#end`
 */
export function fillTemplate(template: string, { facts, values }: TemplateInput): string | undefined {
  const kept: string[] = []
  const open: boolean[] = [] // the #ifs around this line: whether each holds
  for (const line of template.split('\n')) {
    const [, directive, condition = ''] = DIRECTIVE.exec(line) ?? []
    if (directive === 'only') {
      if (!holds(condition, facts)) return undefined
    } else if (directive === 'if') {
      open.push(holds(condition, facts))
    } else if (directive === 'end') {
      if (open.pop() === undefined) throw new Error('An #end without #if.')
    } else if (!open.includes(false)) {
      kept.push(line)
    }
  }
  if (open.length > 0) throw new Error('An #if without #end.')
  return kept.join('\n').replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`No value is named ${name}.`)
    return value
  })
}

function holds(condition: string, facts: ReadonlySet<string>): boolean {
  return condition
    .trim()
    .split(/\s+/)
    .some((fact) => (fact.startsWith('!') ? !facts.has(fact.slice(1)) : facts.has(fact)))
}
