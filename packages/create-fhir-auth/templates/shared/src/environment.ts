/** What the app is told from outside: `process.env`, or the values of a test. `.env.example` explains each one. */
export type Environment = Readonly<Record<string, string | undefined>>
