/** What can be chosen, in the order in which it is asked. The first of each is the default. */
export const choices = {
  framework: { express: 'Express', fastify: 'Fastify', nest: 'Nest', hono: 'Hono' },
  vendor: {
    intelichart: 'InteliChart',
    epic: 'Epic',
    'oracle-health': 'Oracle Health',
    athenahealth: 'athenahealth',
    meditech: 'MEDITECH',
    smart: 'another SMART server',
  },
  kind: {
    login: 'people log in',
    backend: 'the app signs in as a system, without people',
    both: 'both, with two client ids',
  },
  store: { memory: 'memory (one process)', redis: 'Redis or Valkey', postgres: 'PostgreSQL' },
} as const

export type Question = keyof typeof choices
export type Framework = keyof typeof choices.framework
export type Vendor = keyof typeof choices.vendor
export type Kind = keyof typeof choices.kind
export type StoreKind = keyof typeof choices.store

/** The four answers that decide what the app is made of. */
export interface AppChoices {
  framework: Framework
  vendor: Vendor
  kind: Kind
  store: StoreKind
}

/** All that was asked. */
export interface Answers extends AppChoices {
  /** Where the app is written. */
  folder: string
  /** Its name in `package.json`. */
  name: string
}

export const questions: readonly Question[] = ['framework', 'vendor', 'kind', 'store']

/** Each combination of the answers. */
export function everyCombination(): AppChoices[] {
  return keysOf(choices.framework).flatMap((framework) =>
    keysOf(choices.vendor).flatMap((vendor) =>
      keysOf(choices.kind).flatMap((kind) =>
        keysOf(choices.store).map((store) => ({ framework, vendor, kind, store })),
      ),
    ),
  )
}

/** What may be answered to a question, as it is written in a flag. */
export function answersTo(question: Question): string[] {
  return Object.keys(choices[question])
}

function keysOf<K extends string>(named: Readonly<Record<K, string>>): K[] {
  return Object.keys(named) as K[] // they are its keys
}
