import type { Answer } from './answer.ts'
import type { ClientRegistry } from './client-registry.ts'
import { patients } from './fhir/patients.ts'
import { practitioners } from './fhir/practitioners.ts'
import { escapeHtml, pageAnswer } from './html-page.ts'
import { defaultPractitioner } from './launch-context.ts'
import type { RecordedRequest } from './request-record.ts'
import type { EhrLaunch } from './sandbox-options.ts'

/** What was chosen on the page. It stays chosen for the next launch. */
interface Choice {
  readonly launchUrl: string
  /** A patient's id, and an encounter's after a space. */
  readonly context: string
  readonly intent: string
  readonly where: string
}

/** The page of an EHR from which a developer opens an app for a patient, inside the page or in a new tab. */
export function createEhrPage(
  ehrLaunch: (launch: EhrLaunch) => string,
  clients: ClientRegistry,
): (request: RecordedRequest) => Answer {
  return ({ method, form, query }) => {
    const choice: Choice = {
      launchUrl: form.get('launch_url') ?? query.get('launch_url') ?? likelyLaunchUrls(clients)[0] ?? '',
      context: form.get('context') ?? '',
      intent: form.get('intent') ?? '',
      where: form.get('where') ?? 'frame',
    }
    const { launchUrl } = choice
    const [patient, encounter] = choice.context.split(' ')
    if (method !== 'POST' || !patient) return pageAnswer(200, 'EHR', launchForm(choice, clients))
    if (!URL.canParse(launchUrl) || !/^https?:/.test(launchUrl)) {
      return pageAnswer(
        400,
        'EHR',
        `<p role="alert">The launch URL must start with http:// or https://.</p>${launchForm(choice, clients)}`,
      )
    }
    const launch = { launchUrl, patient, encounter: encounter || undefined, intent: choice.intent || undefined }
    const target = escapeHtml(ehrLaunch(launch))
    const name = patients.find(({ id }) => id === patient)?.name ?? patient
    const app =
      choice.where === 'tab'
        ? `<p><a href="${target}" target="_blank" rel="noopener">Open the app for ${escapeHtml(name)} in a new tab</a>. The link works once.</p>`
        : `<iframe title="The app, opened for ${escapeHtml(name)}" src="${target}"></iframe>`
    return pageAnswer(200, `EHR: ${name}`, `${app}<hr>${launchForm(choice, clients)}`)
  }
}

/** Most apps have `/launch` beside their callback. */
function likelyLaunchUrls(clients: ClientRegistry): string[] {
  const callbacks = clients.ids().flatMap((id) => clients.find(id)?.redirectUris ?? [])
  return [...new Set(callbacks.map((callback) => new URL('launch', callback).href))]
}

function launchForm({ launchUrl, context, intent, where }: Choice, clients: ClientRegistry): string {
  const option = (value: string, text: string) =>
    `<option value="${escapeHtml(value)}"${value === context ? ' selected' : ''}>${escapeHtml(text)}</option>`
  const contexts = patients.flatMap(({ id, name, encounters }) => [
    option(id, name),
    ...encounters.map((encounter, index) =>
      option(`${id} ${encounter}`, `${name}, visit ${index + 1} of ${encounters.length}`),
    ),
  ])
  const place = (value: string, text: string) =>
    `<label class="choice"><input type="radio" name="where" value="${value}"${value === where ? ' checked' : ''}> <span>${text}</span></label>`
  const clinician = practitioners.find(({ id }) => defaultPractitioner.endsWith(`/${id}`))?.name ?? defaultPractitioner
  return `<form method="post" action="/ehr">
<p><label for="launch_url">Launch URL of the app</label>
<input id="launch_url" name="launch_url" type="url" required list="known" placeholder="http://localhost:3000/launch" value="${escapeHtml(launchUrl)}">
<datalist id="known">${likelyLaunchUrls(clients)
    .map((url) => `<option value="${escapeHtml(url)}"></option>`)
    .join('')}</datalist></p>
<p><label for="context">Patient, and the visit if one is open</label>
<select id="context" name="context">${contexts.join('\n')}</select></p>
<p><label for="intent">Intent (optional)</label><input id="intent" name="intent" value="${escapeHtml(intent)}"></p>
<fieldset><legend>Where to open it</legend>
${place('frame', 'Inside this page')}
${place('tab', 'In a new tab')}
</fieldset>
<button type="submit">Open the app</button>
</form>
<p>Signed in: <strong>${escapeHtml(clinician)}</strong>, clinician</p>`
}
