/**
 * Ends the wait for an answer, not the command: it may still be carried out.
 *
 * @throws an error that names the command and the limit
 */
export async function withTimeLimit<T>(command: string, seconds: number, answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Redis has not answered ${command} within ${seconds} seconds.`)),
      seconds * 1000,
    )
  })
  try {
    return await Promise.race([answer, limit])
  } finally {
    clearTimeout(timer)
  }
}
