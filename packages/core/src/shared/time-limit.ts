/** The longest delay of a timer, nearly 25 days. A timer with a longer delay fires at once. */
const MAX_TIMER_MILLISECONDS = 2 ** 31 - 1

/**
 * The result of `call`, unless it takes longer than the limit. The call itself is not stopped.
 *
 * @param onLate - makes the error for a call that took too long
 * @throws what `call` throws, and the error of `onLate`
 */
export function withTimeLimit<T>(call: () => Promise<T>, seconds: number, onLate: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(onLate()), Math.min(seconds * 1000, MAX_TIMER_MILLISECONDS))
    const settle =
      <V>(done: (value: V) => void) =>
      (value: V) => {
        clearTimeout(timer)
        done(value)
      }
    try {
      call().then(settle(resolve), settle(reject))
    } catch (error) {
      settle(reject)(error)
    }
  })
}
