/** The longest time that timers can count, nearly 25 days: a longer one would be over at once. */
const MAX_TIMER_MILLISECONDS = 2 ** 31 - 1

/**
 * The answer of `call`, unless it takes longer than the limit. The call itself goes on: nothing can stop it.
 *
 * @param onLate - makes the error for a call that took too long
 * @throws what `call` throws, at once or later, and what `onLate` gives
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
