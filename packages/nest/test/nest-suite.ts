import 'reflect-metadata'
import { createSandbox, type Sandbox } from '@fhir-auth/sandbox'
import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { describeBackend } from './suite/backend.ts'
import { describeModule } from './suite/module.ts'
import { describePerson } from './suite/person.ts'
import { describeProblems } from './suite/problems.ts'
import type { Platform } from './support/nest-app.ts'

/** The rules of this adapter, for one version of Nest on one of its platforms. */
export function describeNest(version: number, platform: Platform): void {
  describe(`Nest ${version} on ${platform}`, () => {
    const suite = {} as { sandbox: Sandbox } // filled before the first test
    beforeAll(async () => {
      suite.sandbox = await createSandbox()
    })
    afterAll(() => suite.sandbox.close())
    afterEach(() => suite.sandbox.clearFaults())

    describePerson(platform, suite)
    describeProblems(platform, suite)
    describeBackend(platform, suite)
    describeModule(platform, suite)
  })
}
