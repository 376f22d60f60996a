import { expect, test } from 'vitest'
import { runSandbox } from '../src/bin.ts'

async function run(...args: string[]) {
  const lines: string[] = []
  const running = await runSandbox(args, (line) => lines.push(line))
  return { running, text: lines.join('\n') }
}

test('starts, prints its URLs, and stops', async () => {
  const { running, text } = await run(
    ...['--mode', 'intelichart', '--fhir-port', '0', '--auth-port', '0'],
    ...['--client', 'portal', '--secret', 'hidden', '--redirect-uri', 'http://localhost:3000/callback'],
    ...['--client', 'job', '--jwks-url', 'http://localhost:3000/jwks.json'],
  )
  expect(text).toMatch(/FHIR base +http:\/\/127\.0\.0\.1:\d+$/m)
  expect(text).toMatch(/Client +portal\nClient +job/)
  expect(text).not.toContain('hidden')
  const [, fhirBaseUrl] = /FHIR base +(\S+)/.exec(text) ?? []
  expect((await fetch(`${fhirBaseUrl}/.well-known/smart-configuration`)).status).toBe(200)
  if ('close' in running) await running.close()
  await expect(fetch(`${fhirBaseUrl}/metadata`)).rejects.toThrow()
})

test('--json prints one line for programs', async () => {
  const { running, text } = await run('--json', '--fhir-port', '0', '--client', 'portal', '--secret', 'hidden')
  expect(JSON.parse(text)).toEqual({
    fhirBaseUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/fhir$/),
    issuer: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    inspector: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/inspector$/),
    ehrPage: expect.stringMatching(/\/ehr$/),
    clients: ['portal'],
    patients: expect.arrayContaining(['amber-testwell']),
  })
  if ('close' in running) await running.close()
})

test.each([
  [['--help'], 0, 'Usage:'],
  [['--mode', 'other'], 2, '--mode other: use smart or intelichart'],
  [['--fhir-port', 'x'], 2, '--fhir-port x'],
  [['--secret', 's'], 2, '--secret needs a --client before it'],
  [['--unknown'], 2, '--unknown'],
])('%j ends with %i', async (args, exitCode, text) => {
  const result = await run(...args)
  expect(result.running).toEqual({ exitCode })
  expect(result.text).toContain(text)
})

test('a port that is in use ends with 1, and says what to do', async () => {
  const { running, text } = await run('--json', '--fhir-port', '0')
  const { port } = new URL(JSON.parse(text).fhirBaseUrl)
  const second = await run('--fhir-port', port)
  expect(second.running).toEqual({ exitCode: 1 })
  expect(second.text).toBe(
    `Port ${port} is in use, perhaps by another sandbox. Stop that, or choose ports: --fhir-port, --auth-port.`,
  )
  if ('close' in running) await running.close()
})
