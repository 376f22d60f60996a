import type { LaunchClient } from '../client/client.ts'
import { FhirAuthError } from '../errors.ts'
import { type AuthorizationChecks, requestedScope } from '../oauth/authorization-request.ts'
import { hashedName } from '../store/sealing.ts'

/**
 * The checks of a pending login as its cookie keeps them. Members that the registration has too are left out, so that a long
 * client id or many scopes do not make the cookie longer.
 */
export interface KeptChecks extends Omit<AuthorizationChecks, 'clientId' | 'redirectUri' | 'scope'> {
  /** A digest of the members that were left out. */
  readonly registration: string
}

export async function keepChecks({ clientId, redirectUri, scope, ...kept }: AuthorizationChecks): Promise<KeptChecks> {
  return { ...kept, registration: await digestOf([clientId, redirectUri, scope]) }
}

/** @throws `transaction_expired` if the registration has changed since the login began */
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
    'The clientId, redirectUri or scope of the registration has changed since this login began. Log in again. If nothing has changed, the processes of the app have different options.',
  )
}

async function digestOf(values: readonly string[]): Promise<string> {
  return (await hashedName(JSON.stringify(values))).slice(0, 22)
}
