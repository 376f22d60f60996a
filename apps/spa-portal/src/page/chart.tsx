import { createFhirClient, type Session, watchSession } from '@fhir-auth/browser'
import type { Condition, Patient } from 'fhir/r4.js'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { collect, nameOf, readVitals, type VitalSign } from './fhir.ts'
import { Questionnaire } from './questionnaire.tsx'
import { SessionEnd } from './session-end.tsx'
import { VitalsChart } from './vitals-chart.tsx'

interface ChartData {
  patient: Patient
  conditions: Condition[]
  vitals: VitalSign[]
}

export function Chart({ session }: { session: Extract<Session, { loggedIn: true }> }) {
  const [record, setRecord] = useState<ChartData>()
  const [isEnded, setEnded] = useState(false)
  const [failure, setFailure] = useState<string>()
  const { launchId, patient = '' } = session
  // A login at once would lose what the person has written.
  const fhir = useMemo(() => createFhirClient({ launchId, onLoginRequired: () => setEnded(true) }), [launchId])

  useEffect(() => watchSession(({ loggedIn }) => setEnded(!loggedIn), { launchId }), [launchId])
  useEffect(() => {
    Promise.all([
      fhir.get<Patient>(`Patient/${patient}`),
      collect(fhir.search<Condition>(`Condition?patient=${patient}`)),
      readVitals(fhir, patient),
    ]).then(
      ([patient, conditions, vitals]) => {
        document.title = nameOf(patient)
        setRecord({ patient, conditions, vitals })
      },
      (error: Error) => setFailure(error.message),
    )
  }, [fhir, patient])

  return (
    <>
      <SessionEnd session={session} isEnded={isEnded} onEnd={() => setEnded(true)} />
      <main>
        {failure !== undefined && <p role="alert">The record could not be read: {failure}</p>}
        {record === undefined ? (
          failure === undefined && <p>Reading the record …</p>
        ) : (
          <>
            <header>
              <h1>{nameOf(record.patient)}</h1>
              <p>
                Born {record.patient.birthDate}
                {session.user?.name !== undefined && `, opened by ${session.user.name}`}
              </p>
              <nav aria-label="Sections">
                <a href="#vitals">Vital signs</a> <a href="#conditions">Conditions</a>{' '}
                <a href="#questions">Questions</a>
              </nav>
            </header>
            <section id="vitals">
              <h2>Vital signs</h2>
              <VitalsChart vitals={record.vitals} />
            </section>
            <section id="conditions">
              <h2>Conditions</h2>
              <ul>
                {record.conditions.map(({ id, code }) => (
                  <li key={id}>{code?.text ?? code?.coding?.[0]?.display}</li>
                ))}
              </ul>
            </section>
            <section id="questions">
              <h2>How have you been?</h2>
              <Questionnaire fhir={fhir} patient={patient} />
            </section>
          </>
        )}
        {session.logoutUrl !== undefined && !isEnded && (
          <form method="post" action={session.logoutUrl}>
            <button type="submit" class="quiet">
              Log out
            </button>
          </form>
        )}
      </main>
    </>
  )
}
