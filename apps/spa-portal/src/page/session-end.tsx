import { type Session, withReturnTo } from '@fhir-auth/browser'
import { useEffect, useState } from 'preact/hooks'

const NOTICE_MS = 5 * 60_000

interface Props {
  session: Extract<Session, { loggedIn: true }>
  isEnded: boolean
  onEnd(): void
}

/** Says in time that the session ends, and then that it has ended. Both lead back to where the person is. */
export function SessionEnd({ session: { endsAt, loginUrl }, isEnded, onEnd }: Props) {
  const [isNear, setNear] = useState(false)

  useEffect(() => {
    if (endsAt === undefined) return
    const left = Date.parse(endsAt) - Date.now()
    const near = setTimeout(() => setNear(true), left - NOTICE_MS)
    const end = setTimeout(onEnd, left)
    return () => {
      clearTimeout(near)
      clearTimeout(end)
    }
  }, [endsAt])

  if (!isEnded && !isNear) return null
  const time = new Date(endsAt ?? '').toLocaleTimeString([], { timeStyle: 'short' })
  return (
    <div role="status" class={isEnded ? 'ended' : 'near'}>
      <span>
        {isEnded ? 'Your session has ended.' : `Your session ends at ${time}. Send what you have written before.`}
      </span>
      {loginUrl !== undefined && (
        // The address is read at the click: the person may be elsewhere on the page by then.
        <a href={loginUrl} onClick={(event) => (event.currentTarget.href = withReturnTo(loginUrl))}>
          Log in again
        </a>
      )}
    </div>
  )
}
