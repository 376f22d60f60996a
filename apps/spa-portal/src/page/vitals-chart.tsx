import type { VitalSign } from './fhir.ts'

const WIDTH = 640
const HEIGHT = 220
const MARGIN = { left: 44, right: 8, top: 12, bottom: 28 }
const GRID = [60, 80, 100, 120, 140, 160]
const SERIES = [
  { key: 'systolic', label: 'Systolic' },
  { key: 'diastolic', label: 'Diastolic' },
  { key: 'heartRate', label: 'Pulse' },
] as const

export function VitalsChart({ vitals }: { vitals: readonly VitalSign[] }) {
  const last = vitals.at(-1)
  if (last === undefined) return <p>There are no measurements yet.</p>
  const values = vitals.flatMap((vital) => SERIES.flatMap(({ key }) => vital[key] ?? []))
  const low = Math.min(...GRID, ...values)
  const high = Math.max(...GRID, ...values)
  const right = WIDTH - MARGIN.right
  const bottom = HEIGHT - MARGIN.bottom
  const x = (index: number) => MARGIN.left + (index * (right - MARGIN.left)) / Math.max(1, vitals.length - 1)
  const y = (value: number) => bottom - ((value - low) * (bottom - MARGIN.top)) / (high - low)

  return (
    <>
      <p>
        Last on {last.date}: {last.systolic}/{last.diastolic} mmHg, pulse {last.heartRate} per minute.
      </p>
      <ul class="legend">
        {SERIES.map(({ key, label }) => (
          <li key={key} class={key}>
            {label}
          </li>
        ))}
      </ul>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label="Blood pressure and pulse over time">
        {GRID.map((value) => (
          <g key={value}>
            <line class="grid" x1={MARGIN.left} x2={right} y1={y(value)} y2={y(value)} />
            <text x={MARGIN.left - 6} y={y(value) + 4} text-anchor="end">
              {value}
            </text>
          </g>
        ))}
        {SERIES.map(({ key }) => {
          const points = vitals.flatMap((vital, index) => {
            const value = vital[key]
            return value === undefined ? [] : [{ x: x(index), y: y(value) }]
          })
          return (
            <polyline
              key={key}
              class={key}
              points={points.map((point) => `${point.x.toFixed(1)},${point.y.toFixed(1)}`).join(' ')}
            />
          )
        })}
        <text x={MARGIN.left} y={HEIGHT - 6}>
          {vitals[0]?.date}
        </text>
        <text x={right} y={HEIGHT - 6} text-anchor="end">
          {last.date}
        </text>
      </svg>
    </>
  )
}
