import type { VitalSign } from './fhir.ts'
import { type Html, html } from './html.ts'

// As wide as a phone, so that its letters are not made smaller there.
const WIDTH = 360
const HEIGHT = 220
const MARGIN = { left: 30, right: 68, top: 12, bottom: 24 }
const GRID = [60, 80, 100, 120, 140, 160]

const SERIES = [
  { key: 'systolic', label: 'Systolic', color: 'var(--systolic)' },
  { key: 'diastolic', label: 'Diastolic', color: 'var(--diastolic)' },
  { key: 'heartRate', label: 'Pulse', color: 'var(--pulse)' },
] as const

/** A line chart as SVG, so that the page needs no script. */
export function vitalsChart(vitals: readonly VitalSign[]): Html {
  const values = vitals.flatMap((vital) => SERIES.flatMap(({ key }) => vital[key] ?? []))
  const low = Math.min(...GRID, ...values)
  const high = Math.max(...GRID, ...values)
  const x = (index: number) =>
    MARGIN.left + (index * (WIDTH - MARGIN.left - MARGIN.right)) / Math.max(1, vitals.length - 1)
  const y = (value: number) =>
    HEIGHT - MARGIN.bottom - ((value - low) * (HEIGHT - MARGIN.top - MARGIN.bottom)) / (high - low)

  const grid = GRID.map(
    (
      value,
    ) => html`<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(value)}" y2="${y(value)}" style="stroke:var(--grid)"/>
      <text x="${MARGIN.left - 6}" y="${y(value) + 4}" text-anchor="end">${value}</text>`,
  )
  const lines = SERIES.map(({ key, label, color }) => {
    const points = vitals.flatMap((vital, index) => (vital[key] === undefined ? [] : [[x(index), y(vital[key])]]))
    const path = points.map(([px, py]) => `${px?.toFixed(1)},${py?.toFixed(1)}`).join(' ')
    const [endX = 0, endY = 0] = points.at(-1) ?? []
    return html`<polyline points="${path}" fill="none" style="stroke:${color}" stroke-width="2"/>
      <text x="${endX + 6}" y="${endY + 4}" style="fill:${color}">${label}</text>`
  })
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Blood pressure and pulse over time">
    ${grid}${lines}
    <text x="${MARGIN.left}" y="${HEIGHT - 6}">${vitals[0]?.date}</text>
    <text x="${WIDTH - MARGIN.right}" y="${HEIGHT - 6}" text-anchor="end">${vitals.at(-1)?.date}</text>
  </svg>`
}
