/** What is secret in a flow. The inspector shows its name in place of it. */
export type SecretKind =
  | 'code'
  | 'access token'
  | 'refresh token'
  | 'id_token'
  | 'client secret'
  | 'code verifier'
  | 'assertion'
  | 'launch'
  | 'secret'

/** How many secrets are remembered. An older one that comes back gets a new name. */
const MOST_SECRETS = 2000

/** Names for secrets, so that a reader sees that the same one comes back, and never the secret: `code 1`, `access token 2`. */
export class SecretNames {
  readonly #names = new Map<string, string>()
  readonly #counts = new Map<SecretKind, number>()

  nameOf(kind: SecretKind, secret: string): string {
    const known = this.#names.get(secret)
    if (known !== undefined) {
      // What is used again is forgotten last.
      this.#names.delete(secret)
      this.#names.set(secret, known)
      return known
    }
    const count = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, count)
    const name = `⟨${kind} ${count}⟩`
    this.#names.set(secret, name)
    const [oldest] = this.#names.keys()
    if (this.#names.size > MOST_SECRETS && oldest !== undefined) this.#names.delete(oldest)
    return name
  }

  /** A text in which each known secret is replaced by its name, as it is and percent-encoded. */
  hide(text: string): string {
    let hidden = text
    for (const [secret, name] of this.#names) {
      // A shorter one might be part of any word.
      if (secret.length < 8) continue
      hidden = hidden.replaceAll(secret, name).replaceAll(encodeURIComponent(secret), name)
    }
    return hidden
  }
}
