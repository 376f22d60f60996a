export { fhirAuthTelemetry, type Telemetry, type TelemetryOptions } from './telemetry.ts'
