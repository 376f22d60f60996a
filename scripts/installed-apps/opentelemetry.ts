import { createBackendServices, createSmartLaunch } from '@fhir-auth/core'
import { fhirAuthTelemetry } from '@fhir-auth/opentelemetry'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { backendOptions, launchOptions, report } from './settings.js'

const exporter = new InMemorySpanExporter()
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })

async function main(): Promise<void> {
  const { onEvent } = fhirAuthTelemetry({ tracerProvider })
  const launch = createSmartLaunch({ ...launchOptions(), onEvent })
  const backend = createBackendServices({ ...(await backendOptions()), onEvent })
  await report(async (path) => {
    const request = { method: 'GET', url: path, header: () => undefined }
    const handler = [launch, backend].find((one) => one.handles(path))
    if (handler === undefined)
      return new Response(null, { status: launch.contextFor(request) === undefined ? 401 : 200 })
    const { status, headers, body } = await handler.answer(request)
    return new Response(body, { status, headers })
  })
  const spans = exporter.getFinishedSpans().map(({ name }) => name)
  if (!spans.includes('fhir_auth.login')) throw new Error(`spans: ${spans.join()}`)
}

void main()
