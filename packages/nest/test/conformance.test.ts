import 'reflect-metadata'
import { describeAdapter, describeBehindNginx } from '@fhir-auth/conformance'
import { nestHost } from './support/nest-host.ts'

describeAdapter('Nest 12 on Express', nestHost('express'))
describeAdapter('Nest 12 on Fastify', nestHost('fastify'))
describeBehindNginx('Nest 12 on Express', nestHost('express'))
describeBehindNginx('Nest 12 on Fastify', nestHost('fastify'))
