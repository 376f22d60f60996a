// The page of the inspector. Every text is set as text, never as HTML: it comes from requests.

const flows = new Map()
const place = document.getElementById('flows')
const state = document.getElementById('state')
const events = new EventSource('/inspector/events')

events.addEventListener('open', () => {
  // After a pause the server sends all its steps again.
  flows.clear()
  place.replaceChildren()
  state.textContent = 'Connected. New steps appear by themselves.'
})
events.addEventListener('error', () => {
  state.textContent = 'The sandbox does not answer. This page tries again.'
})
events.addEventListener('step', ({ data }) => showStep(JSON.parse(data)))
events.addEventListener('faults', ({ data }) => showFaults(JSON.parse(data)))

function showStep(step) {
  document.getElementById('nothing').hidden = true
  flowOf(step.flow).append(stepElement(step))
}

/** The list of a flow's steps. The newest flow stands first. */
function flowOf(name) {
  const known = flows.get(name)
  if (known) return known
  const list = element('ol', { className: 'steps' })
  place.prepend(element('article', { className: 'flow' }, element('h3', {}, name), list))
  flows.set(name, list)
  return list
}

function stepElement(step) {
  const broken = step.verdicts.filter(({ holds }) => !holds)
  const isRefused = step.status === 0 || step.status >= 400
  const summary = element(
    'summary',
    {},
    element('span', { className: 'title' }, step.title),
    element(
      'span',
      { className: `status ${isRefused ? 'refused' : 'fine'}` },
      step.status === 0 ? 'no answer' : String(step.status),
    ),
    element('span', { className: 'request' }, `${step.method} ${step.url}`),
    element('span', { className: 'time' }, `${new Date(step.time).toLocaleTimeString()}, ${step.durationMs} ms`),
    ...broken.map(({ text }) => element('span', { className: 'broken' }, `✗ ${text}`)),
  )
  const details = element(
    'details',
    { open: broken.length > 0 },
    summary,
    verdicts(step.verdicts),
    table('Parameters', step.parameters),
    ...step.jwts.flatMap(({ name, header, claims }) => [
      table(`${name}: header`, header),
      table(`${name}: claims`, withTimes(claims)),
    ]),
    table('Headers', step.headers),
    table('Answer', step.answer),
    table('Headers of the answer', step.answerHeaders),
  )
  return element('li', {}, details)
}

function verdicts(all) {
  if (all.length === 0) return ''
  const items = all.map(({ holds, text, section }) =>
    element(
      'li',
      { className: holds ? 'holds' : 'breaks' },
      element('span', {}, `${holds ? '✓' : '✗'} ${text} `),
      element('cite', {}, section),
    ),
  )
  return element('div', {}, element('h4', {}, 'Rules'), element('ul', { className: 'verdicts' }, ...items))
}

function table(title, rows) {
  if (rows.length === 0) return ''
  const lines = rows.map(([name, value]) =>
    element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, value)),
  )
  return element('table', {}, element('caption', {}, title), element('tbody', {}, ...lines))
}

/** A NumericDate means little to a reader. */
function withTimes(claims) {
  return claims.map(([name, value]) =>
    ['exp', 'iat', 'nbf', 'auth_time'].includes(name)
      ? [name, `${value} (${new Date(Number(value) * 1000).toLocaleTimeString()})`]
      : [name, value],
  )
}

function showFaults(all) {
  const buttons = all.map(({ id, text, isOn }) => {
    const button = element('button', { type: 'button' }, text)
    button.setAttribute('aria-pressed', String(isOn))
    button.addEventListener('click', () => fetch(`/inspector/faults/${id}`, { method: 'POST' }))
    return element('li', {}, button)
  })
  const focused = [...document.querySelectorAll('#faults button')].indexOf(document.activeElement)
  document.getElementById('faults').replaceChildren(...buttons)
  document.querySelectorAll('#faults button')[focused]?.focus()
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}
