import 'reflect-metadata'
import { describeAdapter } from '@fhir-auth/conformance'
import { vi } from 'vitest'
import { nestHost } from './support/nest-host.ts'

// As in nest-11.test.ts.
const { nest11 } = await vi.hoisted(() => import('./nest-11/index.ts'))
vi.mock('@nestjs/common', () => nest11.common())
vi.mock('@nestjs/core', () => nest11.core())
vi.mock('@nestjs/platform-express', () => nest11.platformExpress())
vi.mock('@nestjs/platform-fastify', () => nest11.platformFastify())

describeAdapter('Nest 11 on Express', nestHost('express'))
describeAdapter('Nest 11 on Fastify', nestHost('fastify'))
