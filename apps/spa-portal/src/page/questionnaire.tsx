import type { FhirClient } from '@fhir-auth/browser'
import type { QuestionnaireResponse } from 'fhir/r4.js'
import { useEffect, useState } from 'preact/hooks'
import { collect } from './fhir.ts'

// The PHQ-2: two questions about the last two weeks, as LOINC has them.
const QUESTIONNAIRE = 'http://loinc.org/q/55757-9'
const QUESTIONS = [
  { linkId: '/44250-9', text: 'Little interest or pleasure in doing things' },
  { linkId: '/44255-8', text: 'Feeling down, depressed, or hopeless' },
]
const ANSWERS = ['Not at all', 'Several days', 'More than half the days', 'Nearly every day']

export function Questionnaire({ fhir, patient }: { fhir: FhirClient; patient: string }) {
  const [sent, setSent] = useState<number>()
  const [status, setStatus] = useState<string>()

  useEffect(() => {
    collect(fhir.search(`QuestionnaireResponse?patient=${patient}`)).then(
      (found) => setSent(found.length),
      (error: Error) => setStatus(error.message),
    )
  }, [fhir, patient])

  async function send(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    setStatus('Sending …')
    try {
      await fhir.get<QuestionnaireResponse>('QuestionnaireResponse', {
        method: 'POST',
        body: JSON.stringify(responseOf(new FormData(form), patient)),
      })
      form.reset()
      setSent((before = 0) => before + 1)
      setStatus('Thank you. Your clinic has your answers.')
    } catch (error) {
      setStatus(`Your answers were not sent: ${(error as Error).message}`)
    }
  }

  return (
    <form onSubmit={(event) => void send(event)}>
      <p>How often have these bothered you in the last two weeks?</p>
      {QUESTIONS.map(({ linkId, text }) => (
        <fieldset key={linkId}>
          <legend>{text}</legend>
          {ANSWERS.map((answer, value) => (
            <label key={answer}>
              <input type="radio" name={linkId} value={value} required /> {answer}
            </label>
          ))}
        </fieldset>
      ))}
      <button type="submit">Send</button>
      <output>{status}</output>
      <p>Sent so far: {sent ?? '…'}</p>
    </form>
  )
}

function responseOf(form: FormData, patient: string): QuestionnaireResponse {
  return {
    resourceType: 'QuestionnaireResponse',
    status: 'completed',
    questionnaire: QUESTIONNAIRE,
    subject: { reference: `Patient/${patient}` },
    authored: new Date().toISOString(),
    item: QUESTIONS.map(({ linkId, text }) => ({
      linkId,
      text,
      answer: [{ valueInteger: Number(form.get(linkId)) }],
    })),
  }
}
