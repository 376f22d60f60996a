import type { ServerResponse } from 'node:http'
import type { InteractionResults, default as Provider } from 'oidc-provider'
import { type Answer, redirectAnswer } from './answer.ts'
import { consentedScopes } from './consented-scopes.ts'
import { patients } from './fhir/patients.ts'
import { practitioners } from './fhir/practitioners.ts'
import { issueGrant, launchContextOf } from './grants.ts'
import { escapeHtml, pageAnswer } from './html-page.ts'
import type { IncomingCall } from './http-hosts.ts'
import type { LaunchContext } from './launch-context.ts'
import type { RecordedRequest } from './request-record.ts'
import type { SandboxState } from './sandbox-state.ts'
import { scopeInWords } from './scope-words.ts'

interface Authorization {
  uid: string
  clientId: string
  scopes: string[]
  launch: unknown
}

/**
 * The pages between the authorization request and the answer: sign in and pick a patient, then consent.
 * An EHR launch starts at consent: the EHR already knows both.
 */
export function createInteractionPages(
  state: SandboxState,
): (provider: Provider, call: IncomingCall) => Promise<Answer> {
  const contexts = new Map<string, LaunchContext>()

  return async (provider, { message, response, recorded }) => {
    const authorization = await findAuthorization(provider, message, response)
    if (!authorization) {
      return pageAnswer(
        400,
        'This sign-in is over',
        '<p>It took too long, or it was finished before. Start again from the app.</p>',
      )
    }
    const { uid, launch } = authorization
    const isEhrLaunch = typeof launch === 'string' && state.launches.redeemed(launch) !== undefined
    if (isEhrLaunch) contexts.set(uid, launchContextOf(state, launch, { patient: '' }))

    const { form } = recorded
    if (recorded.method === 'POST' && form.get('step') === 'sign-in') {
      const patient = form.get('patient') ?? ''
      if (patients.some(({ id }) => id === patient)) {
        const user = form.get('user') || undefined
        contexts.set(uid, launchContextOf(state, undefined, { patient, user }))
      }
    }
    const context = contexts.get(uid)
    if (!context) return signInPage(authorization)
    if (recorded.method !== 'POST' || form.get('step') !== 'consent') return consentPage(authorization, context)

    contexts.delete(uid)
    const result = await decide({ provider, state, context }, authorization, form)
    return redirectAnswer(
      await provider.interactionResult(message, response, result, { mergeWithLastSubmission: false }),
    )
  }
}

async function findAuthorization(
  provider: Provider,
  message: IncomingCall['message'],
  response: ServerResponse,
): Promise<Authorization | undefined> {
  const interaction = await provider.interactionDetails(message, response).catch(() => undefined)
  if (!interaction) return undefined
  const { client_id: clientId, scope, launch } = interaction.params
  return { uid: interaction.uid, clientId: String(clientId), scopes: String(scope ?? '').split(' '), launch }
}

async function decide(
  { provider, state, context }: { provider: Provider; state: SandboxState; context: LaunchContext },
  { clientId, scopes }: Authorization,
  form: RecordedRequest['form'],
): Promise<InteractionResults> {
  const granted = consentedScopes(scopes, new Set(form.getAll('scope')))
  if (form.get('decision') !== 'allow' || granted.length === 0) {
    return { error: 'access_denied', error_description: 'the person refused' }
  }
  const refused = scopes.filter((scope) => !granted.includes(scope))
  const grantId = await issueGrant(provider, state, { clientId, scopes: granted, refused, context })
  return { login: { accountId: state.users.subjectOf(context.user) }, consent: { grantId } }
}

function signInPage({ uid, clientId }: Authorization): Answer {
  const patientChoices = patients.map(
    ({ id, name, birthDate }, index) =>
      `<label class="choice"><input type="radio" name="patient" value="${escapeHtml(id)}"${index === 0 ? ' checked' : ''}> <span>${escapeHtml(name)} <small>born ${escapeHtml(birthDate)}</small></span></label>`,
  )
  const userChoices = practitioners.map(
    ({ id, name }) => `<option value="Practitioner/${escapeHtml(id)}">${escapeHtml(name)}, clinician</option>`,
  )
  return pageAnswer(
    200,
    'Sign in',
    `<p>The app <strong>${escapeHtml(clientId)}</strong> asks for access to a health record. All people here are invented.</p>
<form method="post" action="/interaction/${escapeHtml(uid)}">
<input type="hidden" name="step" value="sign-in">
<fieldset><legend>Health record</legend>
${patientChoices.join('\n')}
</fieldset>
<label for="user">Who signs in</label>
<p><select id="user" name="user">
<option value="" selected>The patient</option>
${userChoices.join('\n')}
</select></p>
<button type="submit">Continue</button>
</form>`,
  )
}

function consentPage({ uid, clientId, scopes }: Authorization, { user, patient }: LaunchContext): Answer {
  const scopeChoices = scopes.map(
    (scope) =>
      `<label class="choice"><input type="checkbox" name="scope" value="${escapeHtml(scope)}" checked> <span>${inWords(scope)}</span></label>`,
  )
  const record = patients.find(({ id }) => id === patient)?.name ?? patient ?? 'no patient'
  return pageAnswer(
    200,
    'Allow access?',
    `<p>Signed in as <strong>${escapeHtml(nameOf(user))}</strong>. The app <strong>${escapeHtml(clientId)}</strong> asks for access to the record of <strong>${escapeHtml(record)}</strong>.</p>
<form method="post" action="/interaction/${escapeHtml(uid)}">
<input type="hidden" name="step" value="consent">
<fieldset><legend>The app may</legend>
${scopeChoices.join('\n')}
</fieldset>
<div class="buttons">
<button type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny" class="quiet">Deny</button>
</div>
</form>`,
  )
}

function inWords(scope: string): string {
  const words = scopeInWords(scope)
  const code = `<code>${escapeHtml(scope)}</code>`
  return words === undefined ? code : `${escapeHtml(words)} ${code}`
}

/** @param user - a relative reference, such as `Practitioner/…` */
function nameOf(user: string): string {
  const [, id] = user.split('/')
  return [...patients, ...practitioners].find((person) => person.id === id)?.name ?? user
}
