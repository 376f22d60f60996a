import { refuseOption, requireExactText } from '../options.ts'
import { signClientAssertion } from './client-assertion.ts'
import type { ClientAuthContext } from './client-auth-context.ts'
import type { KeySet } from './keys/key-set.ts'

/** A request to an authorization server's endpoint, before it is sent. */
export interface ClientRequestDraft {
  readonly headers: Record<string, string>
  readonly body: URLSearchParams
  /** What to look at when the server says `invalid_client` to this request. */
  hint?: (() => string | undefined) | undefined
}

/**
 * How a client proves who it is: a value that writes its proof into a request. Make one with {@link clientSecretBasic},
 * {@link clientSecretPost}, {@link privateKeyJwt} or {@link publicClient}.
 */
export interface ClientAuth {
  readonly method: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none'
  /** The keys that it signs with. */
  readonly keys?: KeySet | undefined
  authenticate(draft: ClientRequestDraft, context: ClientAuthContext): void | Promise<void>
  /** Refuses a client id that this method cannot carry, when a factory is called. */
  checkClientId?(clientId: string): void
  /** Every secret of this client that an answer could echo. */
  secrets(): readonly string[]
}

export interface ClientSecretBasicOptions {
  /**
   * `raw` joins id and secret as they are (SMART's example, Epic, InteliChart); `rfc6749` form-urlencodes both first
   * (RFC 6749 §2.3.1). They differ only for ids or secrets with characters such as `+ % : /`. Default `raw`.
   */
  encoding?: 'raw' | 'rfc6749' | undefined
}

const SECRET_REMEDY = 'Set the environment variable that you read it from to the client secret given at registration.'

/**
 * HTTP Basic with the client secret (SMART App Launch 2.2 "Client Authentication: Symmetric").
 *
 * @throws `invalid_option` when the secret is missing
 */
export function clientSecretBasic(secret: string | undefined, options: ClientSecretBasicOptions = {}): ClientAuth {
  const password = requireExactText(secret, 'clientSecretBasic(secret)', SECRET_REMEDY)
  const { encoding = 'raw' } = options
  if (encoding !== 'raw' && encoding !== 'rfc6749') {
    refuseOption(`clientSecretBasic: encoding must be 'raw' or 'rfc6749'.`)
  }
  const encode = encoding === 'raw' ? (text: string) => text : formUrlEncode
  return Object.freeze<ClientAuth>({
    method: 'client_secret_basic',
    authenticate(draft, { clientId }) {
      draft.headers.authorization = `Basic ${base64(`${encode(clientId)}:${encode(password)}`)}`
      draft.hint = () => {
        if (formUrlEncode(clientId) === clientId && formUrlEncode(password) === password) return undefined
        const other = encoding === 'raw' ? 'rfc6749' : 'raw'
        return `The client id or secret has characters that servers expect in different encodings: try clientSecretBasic(secret, { encoding: '${other}' }).`
      }
    },
    checkClientId(clientId) {
      // The server would split at the first colon.
      if (encoding === 'raw' && clientId.includes(':')) {
        refuseOption(
          "clientId contains a colon, which raw Basic credentials cannot carry. Use clientSecretBasic(secret, { encoding: 'rfc6749' }) or clientSecretPost(secret).",
        )
      }
    },
    secrets: () => [password],
  })
}

/**
 * The client secret in the request body (RFC 6749 §2.3.1). Prefer {@link clientSecretBasic}.
 *
 * @throws `invalid_option` when the secret is missing
 */
export function clientSecretPost(secret: string | undefined): ClientAuth {
  const password = requireExactText(secret, 'clientSecretPost(secret)', SECRET_REMEDY)
  return Object.freeze<ClientAuth>({
    method: 'client_secret_post',
    authenticate({ body }, { clientId }) {
      body.set('client_id', clientId)
      body.set('client_secret', password)
    },
    secrets: () => [password],
  })
}

/**
 * A signed, one-time JWT in place of a secret (SMART App Launch 2.2 "Client Authentication: Asymmetric").
 *
 * @throws `invalid_option` when `keys` is no key set
 */
export function privateKeyJwt(keys: KeySet | undefined): ClientAuth {
  if (typeof keys?.signingKey !== 'function') {
    refuseOption(
      'privateKeyJwt(keys) needs a key set: write privateKeyJwt(await loadKeySet(process.env.PRIVATE_JWKS)).',
    )
  }
  return Object.freeze<ClientAuth>({
    method: 'private_key_jwt',
    keys,
    async authenticate(draft, context) {
      const { jwt, kid, alg } = await signClientAssertion(keys, context)
      draft.body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
      draft.body.set('client_assertion', jwt)
      // Names the key that signed this request: for another server, or later, it may be another one.
      draft.hint = () =>
        `Check that the JWKS registered at the server has the key "${kid}" (${alg}) and that the server can reach it without a redirect.`
    },
    secrets: () => [],
  })
}

/** A client without a credential; PKCE alone protects its code. A server-side app can keep a secret, so should have one. */
export function publicClient(): ClientAuth {
  return Object.freeze<ClientAuth>({
    method: 'none',
    authenticate({ body }, { clientId }) {
      body.set('client_id', clientId)
    },
    secrets: () => [],
  })
}

function formUrlEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

/** Of the UTF-8 bytes: `btoa` alone fails outside Latin-1. */
function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}
