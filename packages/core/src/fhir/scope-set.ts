import { classify, INTERACTIONS, type ResourceScope, type Scope, shortForm } from './scope-grammar.ts'

type Query = ResourceScope['query']

/** A scope of a set, with what is needed for comparisons. */
interface Entry {
  readonly scope: Scope
  /** The scope in its short form, for comparison as text. */
  readonly name: string
  readonly resource: ResourceAccess | undefined
}

interface ResourceAccess {
  readonly target: string
  /** The target that stands for every type of the same level. */
  readonly anyTypeTarget: string
  readonly interactionBits: number
  readonly query: Query
}

/** Everything granted for one target, such as `patient/Observation`. */
interface TargetGrant {
  plainBits: number
  readonly narrowed: { readonly interactionBits: number; readonly query: Query }[]
}

function resourceAccess({ level, resourceType, interactions, query }: ResourceScope): ResourceAccess {
  let interactionBits = 0
  for (const letter of interactions) interactionBits |= 1 << INTERACTIONS.indexOf(letter)
  return { target: `${level}/${resourceType}`, anyTypeTarget: `${level}/*`, interactionBits, query }
}

function collectGrants(entries: readonly Entry[]): ReadonlyMap<string, TargetGrant> {
  const grants = new Map<string, TargetGrant>()
  for (const { resource } of entries) {
    if (resource === undefined) continue
    const grant = grants.get(resource.target) ?? { plainBits: 0, narrowed: [] }
    if (resource.query.length === 0) grant.plainBits |= resource.interactionBits
    else grant.narrowed.push(resource)
    grants.set(resource.target, grant)
  }
  return grants
}

/** The bits of `needed` that the grant does not cover. */
function bitsLeftOpen(needed: number, query: Query, grant: TargetGrant | undefined): number {
  if (grant === undefined) return needed
  let open = needed & ~grant.plainBits
  // A narrowed grant covers only a part of the data, so the requirement must be at least as narrow.
  if (open === 0 || query.length === 0) return open
  for (const narrowed of grant.narrowed) {
    if ((open & narrowed.interactionBits) !== 0 && isAtLeastAsNarrow(query, narrowed.query)) {
      open &= ~narrowed.interactionBits
    }
  }
  return open
}

function isAtLeastAsNarrow(query: Query, granted: Query): boolean {
  return granted.every(([name, value]) => query.some((parameter) => parameter[0] === name && parameter[1] === value))
}

/**
 * An immutable list of scopes that knows what it allows. Scopes are compared by meaning, not as text: `patient/*.read` covers
 * `patient/Observation.r`, and `user/Group.r user/Group.s` covers `user/Group.rs`.
 */
export class ScopeSet implements Iterable<string> {
  readonly size: number
  readonly #entries: readonly Entry[]
  readonly #scopes: readonly Scope[]
  readonly #names: ReadonlySet<string>
  readonly #grants: ReadonlyMap<string, TargetGrant>
  readonly #text: string

  private constructor(entries: readonly Entry[]) {
    this.size = entries.length
    this.#entries = entries
    this.#scopes = Object.freeze(entries.map(({ scope }) => scope))
    this.#names = new Set(entries.map(({ name }) => name))
    this.#grants = collectGrants(entries)
    this.#text = this.#scopes.map(({ text }) => text).join(' ')
    Object.freeze(this)
  }

  /** Reads scopes separated by white space, or a list. Repeated scopes are dropped, and the order is kept. Never throws. */
  static parse(text: string | readonly string[] | undefined): ScopeSet {
    const known = typeof text === 'string' ? parsedTexts.get(text) : undefined
    if (known !== undefined) return known
    const entries = new Map<string, Entry>()
    for (const part of typeof text === 'string' ? [text] : (text ?? [])) {
      // A server's list may contain anything.
      if (typeof part !== 'string') continue
      for (const written of part.split(/\s+/)) {
        const name = shortForm(written)
        if (name === '' || entries.has(name)) continue
        const scope = classify(name, written)
        entries.set(name, { scope, name, resource: scope.kind === 'resource' ? resourceAccess(scope) : undefined })
      }
    }
    const parsed = new ScopeSet([...entries.values()])
    if (typeof text === 'string') remember(text, parsed)
    return parsed
  }

  /** The parsed scopes, in order. */
  get scopes(): readonly Scope[] {
    return this.#scopes
  }

  /** Whether exactly this scope is listed, in its short or URI form. To ask what is allowed, use `covers`. */
  has(scope: string): boolean {
    return this.#names.has(shortForm(scope))
  }

  /** Whether the scopes of this set allow every required scope. True if none is required. */
  covers(required: string | ScopeSet): boolean {
    for (const entry of asScopeSet(required).#entries) {
      if (!this.#satisfies(entry)) return false
    }
    return true
  }

  /** The required scopes that are not covered, in order and as written. */
  missing(required: string | ScopeSet): string[] {
    return asScopeSet(required)
      .#entries.filter((entry) => !this.#satisfies(entry))
      .map(({ scope }) => scope.text)
  }

  /** The scopes of this set that allow more than what was requested, in order and as written. */
  extra(requested: string | ScopeSet): string[] {
    return asScopeSet(requested).missing(this)
  }

  [Symbol.iterator](): IterableIterator<string> {
    return this.#scopes.map(({ text }) => text).values()
  }

  /** The scopes as written, separated by single spaces: the value of an OAuth `scope` parameter (RFC 6749 §3.3). */
  toString(): string {
    return this.#text
  }

  toJSON(): string {
    return this.#text
  }

  #satisfies({ name, resource }: Entry): boolean {
    if (resource === undefined) return this.#names.has(name)
    const { target, anyTypeTarget, interactionBits, query } = resource
    const open = bitsLeftOpen(interactionBits, query, this.#grants.get(target))
    return open === 0 || bitsLeftOpen(open, query, this.#grants.get(anyTypeTarget)) === 0
  }
}

// Guards and sessions use the same few texts again and again, so parsed sets are shared. The cache is bounded, because a text
// may contain data of a request.
const MAX_PARSED_TEXTS = 256
const MAX_REMEMBERED_LENGTH = 1024
const parsedTexts = new Map<string, ScopeSet>()

function remember(text: string, parsed: ScopeSet): void {
  if (text.length > MAX_REMEMBERED_LENGTH) return
  if (parsedTexts.size >= MAX_PARSED_TEXTS) parsedTexts.clear()
  parsedTexts.set(text, parsed)
}

function asScopeSet(required: string | ScopeSet): ScopeSet {
  return typeof required === 'string' ? ScopeSet.parse(required) : required
}
