import { refuseOption, requireExactText } from '../options.ts'
import { signClientAssertion } from './client-assertion.ts'
import type { ClientAuthContext } from './client-auth-context.ts'
import type { KeySet } from './keys/key-set.ts'

/** A request to an authorization server's endpoint, before it is sent. */
export interface ClientRequestDraft {
  readonly headers: Record<string, string>
  readonly body: URLSearchParams
  /** What to check if the server answers `invalid_client`. */
  hint?: (() => string | undefined) | undefined
}

/**
 * Client authentication: a value that adds the client's credentials to a request. Make one with {@link clientSecretBasic},
 * {@link clientSecretPost}, {@link privateKeyJwt} or {@link publicClient}.
 */
export interface ClientAuth {
  readonly method: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none'
  /** The keys that sign, if it uses keys. */
  readonly keys?: KeySet | undefined
  authenticate(draft: ClientRequestDraft, context: ClientAuthContext): void | Promise<void>
  /** Called by the factory. Throws for a client id that this method cannot send. */
  checkClientId?(clientId: string): void
  /** All secrets of this client that a response could echo. */
  secrets(): readonly string[]
}

export interface ClientSecretBasicOptions {
  /**
   * `raw` joins id and secret as they are (SMART's example, Epic, InteliChart); `rfc6749` form-urlencodes both first
   * (RFC 6749 §2.3.1). The results differ only if id or secret has characters such as `+ % : /`. Default `raw`.
   */
  encoding?: 'raw' | 'rfc6749' | undefined
}

const SECRET_REMEDY = 'Set the environment variable that you read it from to the client secret given at registration.'

/**
 * HTTP Basic with the client secret (SMART App Launch 2.2 "Client Authentication: Symmetric").
 *
 * @throws `invalid_option` if the secret is missing
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
        if (formUrlEncode(clientId) === clientId && formUrlEncode(password) === password) {
          return 'Check clientId and its secret. Some servers take the secret in the body only: then use clientSecretPost(secret).'
        }
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
 * @throws `invalid_option` if the secret is missing
 */
export function clientSecretPost(secret: string | undefined): ClientAuth {
  const password = requireExactText(secret, 'clientSecretPost(secret)', SECRET_REMEDY)
  return Object.freeze<ClientAuth>({
    method: 'client_secret_post',
    authenticate(draft, { clientId }) {
      draft.body.set('client_id', clientId)
      draft.body.set('client_secret', password)
      draft.hint = () =>
        'Check clientId and its secret. Some servers take the secret in the header only: then use clientSecretBasic(secret).'
    },
    secrets: () => [password],
  })
}

/**
 * A signed, one-time JWT instead of a secret (SMART App Launch 2.2 "Client Authentication: Asymmetric").
 *
 * @throws `invalid_option` if `keys` is not a key set
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
      // Name the key of this request, because another server, or a later request, may get another one.
      draft.hint = () =>
        `Check clientId, and that the JWKS registered at the server has the key "${kid}" (${alg}) and that the server can reach it without a redirect.`
    },
    secrets: () => [],
  })
}

/** A client without a credential: only PKCE protects its code. A server-side app can keep a secret, so it should use one. */
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

/** Encodes the UTF-8 bytes, because `btoa` fails for characters outside Latin-1. */
function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}
