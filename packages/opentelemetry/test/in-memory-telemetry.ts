import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { fhirAuthTelemetry, type Telemetry } from '../src/index.ts'

export interface RecordedPoint {
  readonly name: string
  readonly unit: string
  readonly attributes: Record<string, unknown>
  readonly value: unknown
}

export interface InMemoryTelemetry extends Telemetry {
  readonly tracerProvider: BasicTracerProvider
  spans(): ReadableSpan[]
  /** What an exporter would send now. */
  points(): Promise<RecordedPoint[]>
  /** All that was exported, as text to search in. */
  text(): Promise<string>
}

export function inMemoryTelemetry(now?: () => number): InMemoryTelemetry {
  const spanExporter = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] })
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const points = async () => {
    metricExporter.reset()
    await meterProvider.forceFlush()
    const scopes = metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics)
    return scopes.flatMap(({ metrics }) =>
      metrics.flatMap(({ descriptor: { name, unit }, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => ({ name, unit, attributes, value })),
      ),
    )
  }
  return {
    ...fhirAuthTelemetry({ tracerProvider, meterProvider, now }),
    tracerProvider,
    spans: () => spanExporter.getFinishedSpans(),
    points,
    async text() {
      const spans = spanExporter.getFinishedSpans().map(({ name, attributes, status, events, links }) => {
        return { name, attributes, status, events, links }
      })
      return JSON.stringify({ spans, points: await points() })
    },
  }
}
