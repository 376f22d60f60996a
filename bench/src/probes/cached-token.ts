import { createBackendServices } from '@fhir-auth/core'
import { backendOptions, generateAppKey } from '../support/backend-client.ts'
import { inBatches } from '../support/batches.ts'
import { nanoseconds } from '../support/nanoseconds.ts'

// Says what a cached backend token costs, read at once and awaited.
const rounds = Number(process.argv[2])
const { keys } = await generateAppKey()
const backend = createBackendServices({
  ...backendOptions('https://fhir.example.org/r4', keys),
  metadata: { token_endpoint: 'https://ehr.example.org/token' },
  fetch: async () => Response.json({ access_token: crypto.randomUUID(), token_type: 'Bearer', expires_in: 86_400 }),
})
const context = await backend.context()
const map = new Map([['https://fhir.example.org/r4', context]])
for (let i = 0; i < 100; i++) map.set(`https://fhir.example.org/${i}`, context)

const read = await nanoseconds(
  {
    map: () => map.get('https://fhir.example.org/r4'),
    clock: () => Date.now(),
    ours: () => (backend.context() as typeof context).accessToken,
  },
  rounds,
)
const awaited = await inBatches(
  { nothing: () => context, clock: () => Date.now(), ours: () => backend.context() },
  rounds,
  { batch: 200_000 },
)
process.send?.({ read, awaited })
