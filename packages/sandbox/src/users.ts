import { createHash } from 'node:crypto'

/** Subjects of id_tokens: opaque, and the same for a user in every sandbox. */
export interface Users {
  /** The subject of a user, given as a relative reference such as `Patient/x`. */
  subjectOf: (user: string) => string
  /** The user of a subject that was given out before. */
  userOf: (subject: string) => string | undefined
}

export function createUsers(): Users {
  const users = new Map<string, string>()
  return {
    subjectOf(user) {
      const subject = createHash('sha256').update(`user ${user}`).digest('base64url').slice(0, 22)
      users.set(subject, user)
      return subject
    },
    userOf: (subject) => users.get(subject),
  }
}
