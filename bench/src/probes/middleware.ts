import type { Framework } from '../servers/frameworks.ts'
import { nanoseconds } from '../support/nanoseconds.ts'
import { callsOf } from './captured.ts'
import { createReference } from './reference.ts'

// Says how many nanoseconds one call of a framework's middleware takes, and how many the reference does.
const [framework, rounds] = process.argv.slice(2)
const { isAttached, noOp, attaching = noOp, live, without } = await callsOf(framework as Framework)
const measured = await nanoseconds({ noOp, attaching, live, without, reference: createReference() }, Number(rounds))
if (!isAttached()) throw new Error(`${framework}: the middleware did not attach the context.`)
process.send?.(measured)
