import { defineDialect } from './define-dialect.ts'
import type { Dialect, DialectOverrides } from './dialect.ts'

/**
 * SMART App Launch 2.2 as written: the default dialect.
 *
 * @param overrides - single rules to change for one server that is almost right
 */
export function smart(overrides: DialectOverrides = {}): Dialect {
  return defineDialect('smart', overrides)
}
