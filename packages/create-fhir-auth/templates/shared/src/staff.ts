// #only backend
import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * Whether a request comes from your staff. The app's own token says nothing about who is asking, so the app checks that
 * first. Replace this with the login that your staff has.
 */
export function isStaff(authorization: string | undefined, staffToken: string | undefined): boolean {
  if (!authorization || !staffToken) return false
  return timingSafeEqual(digest(authorization), digest(`Bearer ${staffToken}`))
}

/** Both sides get one length, so that the comparison takes the same time whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
