import type { LaunchClient } from '../client/client.ts'
import { FhirAuthError } from '../errors.ts'
import { type AuthorizationChecks, requestedScope } from '../oauth/authorization-request.ts'
import { hashedName } from '../store/sealing.ts'

/**
 * What a login under way keeps of its checks: all but what its registration says again at the callback. So neither a long
 * client id nor many scopes make its cookie longer.
 */
export interface KeptChecks extends Omit<AuthorizationChecks, 'clientId' | 'redirectUri' | 'scope'> {
  /** A digest of what was left out. */
  readonly registration: string
}

export async function keepChecks({ clientId, redirectUri, scope, ...kept }: AuthorizationChecks): Promise<KeptChecks> {
  return { ...kept, registration: await digestOf([clientId, redirectUri, scope]) }
}

/** @throws `transaction_expired` where the registration has changed since the login began: nothing else would be right */
export async function restoreChecks(
  { registration, ...kept }: KeptChecks,
  client: LaunchClient,
  isEhrLaunch: boolean,
): Promise<AuthorizationChecks> {
  const { clientId, redirectUri } = client
  const scope = requestedScope(client, isEhrLaunch).toString()
  if ((await digestOf([clientId, redirectUri, scope])) === registration)
    return { ...kept, clientId, redirectUri, scope }
  throw new FhirAuthError(
    'transaction_expired',
    'The registration has changed since this login began: its clientId, redirectUri or scope. Log in again. Where it has not changed, the processes of the app have different options.',
  )
}

async function digestOf(values: readonly string[]): Promise<string> {
  return (await hashedName(JSON.stringify(values))).slice(0, 22)
}
