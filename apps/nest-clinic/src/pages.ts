import { type FhirContext, withLaunchId } from '@fhir-auth/nest'
import type { CodeableConcept, Condition, MedicationRequest, Observation, Patient } from 'fhir/r4.js'
import { type Html, html } from './html.ts'

export function homePage(): string {
  return page(
    'Clinic',
    html`<main>
      <h1>Clinic</h1>
      <p>Open this app from the EHR: it comes with the patient whose chart is open there. For two patients, open it
        twice; each tab keeps its own.</p>
    </main>`,
  )
}

export function problemPage(message: string): string {
  return page('Not shown', html`<main><h1>This page cannot be shown</h1><p role="alert">${message}</p></main>`)
}

export function summaryPage(fhir: FhirContext, patient: Patient, conditions: readonly Condition[]): string {
  const rows = conditions.map(({ code, onsetDateTime }) => [textOf(code), onsetDateTime?.slice(0, 10)])
  return chartPage(fhir, patient, 'Summary', table(['Condition', 'Since'], rows))
}

export function medicationsPage(fhir: FhirContext, patient: Patient, requests: readonly MedicationRequest[]): string {
  const rows = requests.map(({ medicationCodeableConcept, dosageInstruction, status }) => [
    textOf(medicationCodeableConcept),
    dosageInstruction?.[0]?.text,
    status,
  ])
  return chartPage(fhir, patient, 'Medications', table(['Medication', 'Dosage', 'Status'], rows))
}

export function laboratoryPage(fhir: FhirContext, patient: Patient, results: readonly Observation[]): string {
  const rows = results.map(({ code, effectiveDateTime, valueQuantity }) => [
    effectiveDateTime?.slice(0, 10),
    textOf(code),
    valueQuantity && `${valueQuantity.value} ${valueQuantity.unit}`,
  ])
  return chartPage(fhir, patient, 'Laboratory', table(['Date', 'Test', 'Result'], rows))
}

const TABS = [
  { title: 'Summary', path: '/patient', scope: 'patient/Condition.rs' },
  { title: 'Medications', path: '/patient/medications', scope: 'patient/MedicationRequest.rs' },
  { title: 'Laboratory', path: '/patient/laboratory', scope: 'patient/Observation.rs' },
]

function chartPage(fhir: FhirContext, patient: Patient, title: string, body: Html): string {
  const tabs = TABS.map(({ title: name, path, scope }) => {
    const label = html`${name}${fhir.scope.covers(scope) ? undefined : html` <small>(not granted)</small>`}`
    return name === title
      ? html`<strong aria-current="page">${label}</strong>`
      : // Two patients may be open in this browser: every link says whose page it leads to.
        html`<a href="${withLaunchId(path, fhir.launchId)}">${label}</a>`
  })
  // An EHR that shows who the patient is around the app says that the app need not.
  const banner = fhir.launch.need_patient_banner === false ? undefined : patientBanner(patient)
  return page(
    `${title}: ${nameOf(patient)}`,
    html`${banner}
      <nav>${tabs}</nav>
      <main><h1>${title}</h1>${body}</main>
      <footer>
        <form method="post" action="/logout"><button class="button">Close all patients</button></form>
        <span>Opened by ${fhir.fhirUser ? `${fhir.fhirUser.type}/${fhir.fhirUser.id}` : 'the EHR'}</span>
      </footer>`,
  )
}

function patientBanner(patient: Patient): Html {
  return html`<header>
    <strong>${nameOf(patient)}</strong>
    <span>born ${patient.birthDate}</span><span>${patient.gender}</span><span>${patient.identifier?.[0]?.value}</span>
  </header>`
}

function nameOf({ name = [] }: Patient): string {
  const [first] = name
  return first?.text ?? [...(first?.given ?? []), first?.family].join(' ')
}

function textOf(concept: CodeableConcept | undefined): string | undefined {
  return concept?.text ?? concept?.coding?.[0]?.display
}

function table(titles: readonly string[], rows: readonly (readonly (string | undefined)[])[]): Html {
  if (rows.length === 0) return html`<p>Nothing on record.</p>`
  return html`<table>
    <tr>${titles.map((title) => html`<th>${title}</th>`)}</tr>
    ${rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}
  </table>`
}

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; color: #1d2733; }
  h1 { font-size: 1.8rem; } a { color: #0b63ce; }
  header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; padding: .75rem 1rem; border-radius: .4rem; background: #eaf2fc; }
  nav { display: flex; flex-wrap: wrap; gap: 1.5rem; margin-top: 1.5rem; padding-bottom: .5rem; border-bottom: 1px solid #e3e8ee; } small { color: #5b6b7b; }
  table { width: 100%; border-collapse: collapse; } th { text-align: left; color: #5b6b7b; font-weight: normal; }
  th, td { padding: .35rem 1rem .35rem 0; border-bottom: 1px solid #e3e8ee; vertical-align: top; }
  footer { display: flex; justify-content: space-between; align-items: center; margin-top: 2rem; color: #5b6b7b; }
  .button { padding: .5rem 1rem; border: 1px solid #0b63ce; border-radius: .4rem; background: none; color: #0b63ce; font: inherit; cursor: pointer; }
`

function page(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head>
<body>${body}</body>
</html>`.text
}
