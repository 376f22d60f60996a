/**
 * The answer of `call`, unless it takes longer than the limit. The call itself goes on: nothing can stop it.
 *
 * @param onLate - makes the error for a call that took too long
 * @throws what `call` throws, at once or later, and what `onLate` gives
 */
export function withTimeLimit<T>(call: () => Promise<T>, seconds: number, onLate: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(onLate()), seconds * 1000)
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
