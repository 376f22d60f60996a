import { type Session, watchSession } from '@fhir-auth/browser'
import { useEffect } from 'preact/hooks'

export function Welcome({ session }: { session: Session }) {
  // Somebody has logged in in another tab.
  useEffect(() => watchSession(({ loggedIn }) => loggedIn && location.reload()), [])
  return (
    <main>
      <h1>Patient portal</h1>
      <p>See your vital signs and conditions, and tell your clinic how you are.</p>
      <p>
        <a class="button" href={session.loginUrl ?? '/login'}>
          Log in with your clinic
        </a>
      </p>
    </main>
  )
}
