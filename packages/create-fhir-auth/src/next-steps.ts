import type { Answers } from './choices.ts'

/** What to do now, in plain words. */
export function nextSteps({ folder, kind, store }: Answers): string {
  const enter = folder === '.' ? [] : [`  cd ${/^[\w./-]+$/.test(folder) ? folder : JSON.stringify(folder)}`]
  const see =
    kind === 'backend'
      ? 'Then run the curl command that it prints: it reads invented patients as a system.'
      : 'Then open http://127.0.0.1:3000/me and sign in as an invented patient.'
  const database = { memory: '', redis: ', and a Redis server', postgres: ', and a PostgreSQL database' }[store]
  return [
    'Your app is written. Start it, with a SMART server on your machine:',
    '',
    ...enter,
    '  npm install',
    '  npm run dev',
    '',
    see,
    '',
    `For a real EHR it needs a registration${database}. README.md and .env.example say what goes where.`,
    '',
  ].join('\n')
}
