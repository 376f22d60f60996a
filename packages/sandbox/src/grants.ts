import type { default as Provider } from 'oidc-provider'
import { contextOfEhrLaunch, contextOfStandaloneLaunch, type LaunchContext } from './launch-context.ts'
import type { SandboxState } from './sandbox-state.ts'

/** The context of an authorization: that of its EHR launch, or else what the person chose. */
export function launchContextOf(
  state: SandboxState,
  launchHandle: unknown,
  choice: { patient: string; user?: string | undefined },
): LaunchContext {
  const launch = typeof launchHandle === 'string' ? state.launches.redeemed(launchHandle) : undefined
  return launch ? contextOfEhrLaunch(launch) : contextOfStandaloneLaunch(choice.patient, choice.user)
}

/** Records a consent, and the launch context beside it. Returns the grant's id. */
export async function issueGrant(
  provider: Provider,
  state: SandboxState,
  consent: {
    clientId: string
    scopes: readonly string[]
    refused?: readonly string[] | undefined
    context: LaunchContext
  },
): Promise<string> {
  const { clientId, scopes, refused = [], context } = consent
  const grant = new provider.Grant({ accountId: state.users.subjectOf(context.user), clientId })
  // Every scope is granted twice, for the server itself and for the FHIR API, so that one token has both.
  grant.addOIDCScope(scopes.join(' '))
  grant.addResourceScope(state.fhirBaseUrl, scopes.join(' '))
  if (refused.length > 0) {
    grant.rejectOIDCScope(refused.join(' '))
    grant.rejectResourceScope(state.fhirBaseUrl, refused.join(' '))
  }
  const grantId = await grant.save()
  state.contexts.set(grantId, context)
  return grantId
}
