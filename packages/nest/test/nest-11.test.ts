import { HttpException } from '@nestjs/common'
import { expect, it, vi } from 'vitest'
import { FhirException } from '../src/index.ts'
import { describeNest } from './nest-suite.ts'

// The sources resolve Nest 12. Here each of its packages is exchanged for that of Nest 11, real and whole.
const { nest11 } = await vi.hoisted(() => import('./nest-11/index.ts'))
vi.mock('@nestjs/common', () => nest11.common())
vi.mock('@nestjs/core', () => nest11.core())
vi.mock('@nestjs/platform-express', () => nest11.platformExpress())
vi.mock('@nestjs/platform-fastify', () => nest11.platformFastify())
vi.mock('@nestjs/testing', () => nest11.testing())

it('the adapter runs on Nest 11 here', () => {
  expect(nest11.version()).toMatch(/^11\./)
  expect(HttpException).toBe(nest11.common().HttpException)
  expect(Object.getPrototypeOf(FhirException)).toBe(HttpException)
})

describeNest(11, 'express')
describeNest(11, 'fastify')
