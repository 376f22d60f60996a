import { defineDialect } from './define-dialect.ts'
import type { Dialect, DialectOverrides } from './dialect.ts'

/**
 * SMART App Launch 2.2 as written: the default dialect.
 *
 * @param overrides - single rules to change, for a server that differs in a few points
 */
export function smart(overrides: DialectOverrides = {}): Dialect {
  return defineDialect('smart', overrides)
}
