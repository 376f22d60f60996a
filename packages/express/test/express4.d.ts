// Express 4, installed under another name beside Express 5; the types of 5 fit what the tests use of it.
declare module 'express4' {
  export { default } from 'express'
}
