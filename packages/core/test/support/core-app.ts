import type { AdapterRequest, Answer, FhirHandler } from '../../src/adapter.ts'
import type { FhirContext } from '../../src/index.ts'
import { listen } from './http-server.ts'

/** Core behind the plainest of servers, without any framework: what each adapter does, in twenty lines. */
export async function startCoreApp(
  handlerFor: (origin: string) => FhirHandler | Promise<FhirHandler>,
  respond: (fhir: FhirContext | undefined, request: AdapterRequest) => unknown,
): Promise<{ origin: string; handler: FhirHandler; failures: unknown[]; settled(): Promise<void> }> {
  let handler: FhirHandler
  const background: Promise<unknown>[] = []
  const failures: unknown[] = []
  const waitUntil = (promise: Promise<unknown>) => void background.push(promise)
  const { origin } = await listen(async (message, response) => {
    const { headers, method = 'GET', url = '/' } = message
    const request: AdapterRequest = { method, url, header: (name) => headers[name]?.toString(), waitUntil }
    const apply = (answer: Pick<Answer, 'status' | 'headers' | 'cookies' | 'body'>) => {
      for (const cookie of answer.cookies) response.appendHeader('set-cookie', cookie)
      response.writeHead(answer.status, answer.headers).end(answer.body)
    }
    if (handler.handles(url)) {
      try {
        return apply(await handler.answer(request))
      } catch (failure) {
        failures.push(failure)
        return void response.writeHead(500).end()
      }
    }
    const context = await Promise.resolve(handler.contextFor(request)).catch((failure) => {
      failures.push(failure)
      return undefined
    })
    const body = JSON.stringify((await respond(context, request)) ?? null)
    apply({ status: context ? 200 : 401, headers: { 'content-type': 'application/json' }, cookies: [], body })
  })
  handler = await handlerFor(origin)
  const settled = async () => void (await Promise.all(background))
  return { origin, handler, failures, settled }
}
