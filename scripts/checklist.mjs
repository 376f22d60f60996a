/** A list of checks that all run, whatever the one before said, and one exit code at the end. */
export class Checklist {
  #failed = 0

  /**
   * @param {string} title
   * @param {() => void} check throws to fail
   * @returns {boolean} whether it passed
   */
  check(title, check) {
    try {
      check()
      console.log(`  ok    ${title}`)
      return true
    } catch (error) {
      this.#failed++
      const message = error instanceof Error ? error.message : String(error)
      console.log(`  FAIL  ${title}\n${message.replace(/^/gm, '          ')}`)
      return false
    }
  }

  /** Sets the exit code of the process. */
  finish() {
    if (this.#failed > 0) process.exitCode = 1
    console.log(this.#failed === 0 ? 'All checks passed.' : `${this.#failed} checks failed.`)
  }
}
