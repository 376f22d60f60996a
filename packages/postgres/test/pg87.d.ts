// An older version of the same package, which has no types of its own.
declare module 'pg87' {
  export { Pool } from 'pg'
}
