/** The form on one of the sandbox's sign-in pages, filled in as it stands. */
export interface SandboxForm {
  action: string
  fields: URLSearchParams
  /** The patients to pick from, if any. */
  choices: string[]
  asksForDecision: boolean
}

const decode = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name] ?? "'")

const attribute = (tag: string, name: string): string | undefined => {
  const [, value] = new RegExp(`\\s${name}="([^"]*)"`).exec(tag) ?? []
  return value === undefined ? undefined : decode(value)
}

/** Reads a form from the sandbox's own HTML. Undefined for any other page. */
export function findSandboxForm(html: string): SandboxForm | undefined {
  if (!html.includes('<meta name="generator" content="fhir-auth-sandbox">')) return undefined
  const [, action] = /<form method="post" action="(\/interaction\/[^"]+)">/.exec(html) ?? []
  if (action === undefined) return undefined
  const fields = new URLSearchParams()
  const choices: string[] = []
  for (const [tag] of html.matchAll(/<input [^>]*>/g)) {
    const name = attribute(tag, 'name') ?? ''
    const value = attribute(tag, 'value') ?? ''
    if (name === 'patient') choices.push(value)
    if (attribute(tag, 'type') === 'hidden' || / checked>$/.test(tag)) fields.append(name, value)
  }
  return { action: decode(action), fields, choices, asksForDecision: html.includes('name="decision"') }
}
