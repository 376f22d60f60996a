import { FhirClientError, readSession, type Session } from '@fhir-auth/browser'
import { render } from 'preact'
import { Chart } from './chart.tsx'
import { Welcome } from './welcome.tsx'

const root = document.querySelector('#app') as HTMLElement

try {
  const session = await readSession()
  if (session.loggedIn) {
    keepLaunchInAddress(session.launchId)
    render(<Chart session={session} />, root)
  } else {
    render(<Welcome session={session} />, root)
  }
} catch (error) {
  render(<Problem error={error} />, root)
}

/** So that a reload of this tab finds the same patient, even when another one is open by then. */
function keepLaunchInAddress(launchId: Extract<Session, { loggedIn: true }>['launchId']): void {
  const address = new URL(location.href)
  address.searchParams.set('launch_id', launchId)
  history.replaceState(null, '', address)
}

function Problem({ error }: { error: unknown }) {
  const several = error instanceof FhirClientError && error.code === 'ambiguous_launch'
  return (
    <main>
      <h1>{several ? 'Which patient?' : 'This did not work'}</h1>
      <p>
        {several
          ? 'Several charts are open in this browser. Go to the tab of the patient, or open the chart again from the EHR.'
          : 'The server could not be asked. Try again in a moment.'}
      </p>
    </main>
  )
}
