import { describeNest } from './nest-suite.ts'

describeNest(12, 'express')
describeNest(12, 'fastify')
