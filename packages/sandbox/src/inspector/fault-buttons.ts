import type { FaultSwitches, SandboxFault } from '../faults.ts'

/** A fault that a developer switches on with a click. */
interface FaultButton {
  readonly text: string
  readonly fault: SandboxFault
}

const BUTTONS: Readonly<Record<string, FaultButton>> = {
  'token-503': { text: 'The token endpoint is down (503)', fault: { at: 'token', kind: 'status', status: 503 } },
  'token-slow': { text: 'The token endpoint takes 5 seconds', fault: { at: 'token', kind: 'slow', seconds: 5 } },
  'token-html': { text: 'A web page answers for the token endpoint', fault: { at: 'token', kind: 'html' } },
  'token-reset': { text: 'The connection to the token endpoint breaks', fault: { at: 'token', kind: 'reset' } },
  'fhir-401': { text: 'The FHIR API takes no token (401)', fault: { at: 'fhir', kind: 'status', status: 401 } },
  'fhir-429': {
    text: 'The FHIR API asks for patience (429)',
    fault: { at: 'fhir', kind: 'status', status: 429, headers: { 'retry-after': '30' } },
  },
  'callback-state': {
    text: 'The callback has another state',
    fault: { at: 'callback', kind: 'callback', patch: (params) => params.set('state', 'of-somebody-else') },
  },
  'callback-denied': {
    text: 'The person refuses',
    fault: {
      at: 'callback',
      kind: 'callback',
      patch: (params) => {
        params.delete('code')
        params.set('error', 'access_denied')
      },
    },
  },
  'discovery-down': {
    text: 'There is no smart-configuration (404)',
    fault: { at: 'smart-configuration', kind: 'status', status: 404 },
  },
}

export interface FaultState {
  readonly id: string
  readonly text: string
  readonly isOn: boolean
}

/** The faults of the page, each on or off. */
export class FaultButtons {
  readonly #faults: FaultSwitches

  constructor(faults: FaultSwitches) {
    this.#faults = faults
  }

  states(): FaultState[] {
    return Object.entries(BUTTONS).map(([id, { text, fault }]) => ({ id, text, isOn: this.#faults.has(fault) }))
  }

  /** @returns false for an unknown id */
  toggle(id: string): boolean {
    const button = Object.hasOwn(BUTTONS, id) ? BUTTONS[id] : undefined
    if (button === undefined) return false
    if (this.#faults.has(button.fault)) this.#faults.remove(button.fault)
    else this.#faults.add(button.fault)
    return true
  }
}
