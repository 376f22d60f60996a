import { type FhirContext, requireFhir, type SmartLaunchOptions, smartLaunch } from '@fhir-auth/express'
import express, { type Express, type Response } from 'express'

/** A small app of patient pages, as its author would write it: plain links, a form, a script, no launch id in sight. */
export function createChartApp(options: SmartLaunchOptions): Express {
  const app = express()
  app.use(smartLaunch(options))
  app.get('/', (_req, res) => void res.send(page('Nobody', '<p>Open this app from the EHR.</p>')))
  app.use(requireFhir({ patient: true }))
  for (const path of ['/chart', '/labs', '/search']) {
    app.get(path, async (req, res) => sendPatientPage(req.fhir, res, path, String(req.query.q ?? '')))
  }
  // A page that keeps its address to itself, as helmet's defaults make all pages do.
  app.get('/private', async (req, res) => {
    res.set('referrer-policy', 'no-referrer')
    await sendPatientPage(req.fhir, res, '/private', '')
  })
  app.get('/api/patient', async (req, res) => void res.json(await readPatient(req.fhir)))
  app.post('/note', (_req, res) => res.redirect(303, '/chart'))
  return app
}

async function sendPatientPage(fhir: FhirContext | undefined, res: Response, path: string, q: string): Promise<void> {
  const { name, encounter } = await readPatient(fhir)
  res.send(
    page(
      name,
      `<p id="at">${path} ${encodeURIComponent(q)}</p><p id="encounter">${encounter}</p><p id="framed"></p>
      <a href="/chart">Chart</a> <a href="/labs">Labs</a> <a href="/labs" target="_blank">Labs in a new tab</a>
      <a href="/private">Private</a>
      <form action="/search"><input name="q" aria-label="Words"><button>Search</button></form>
      <form action="/note" method="post"><button>Save note</button></form>
      <button id="ask">Ask</button><output></output>
      <script>
        document.getElementById('framed').textContent = self === top ? 'own tab' : 'in a frame'
        document.getElementById('ask').onclick = async () => {
          const output = document.querySelector('output')
          output.textContent = ''
          const answer = await fetch('/api/patient')
          const { name, code } = await answer.json()
          output.textContent = answer.status + ' ' + (name ?? code)
        }
      </script>`,
    ),
  )
}

/** From the FHIR server, so that what is shown is what this token opens. */
async function readPatient(fhir: FhirContext | undefined): Promise<{ name: string; encounter: string }> {
  if (!fhir) throw new Error('requireFhir() let a request pass without a context.')
  const answer = await fhir.fetch(`Patient/${fhir.patient}`)
  const { name } = (await answer.json()) as { name: [{ given: string[]; family: string }] }
  return { name: [...name[0].given, name[0].family].join(' '), encounter: fhir.encounter ?? 'none' }
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${body}</html>`
}
