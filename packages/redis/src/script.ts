import { createHash } from 'node:crypto'

/** A Lua script over one key, which therefore runs on whichever node of a Cluster holds it. */
export interface Script {
  readonly text: string
  readonly sha1: string
}

/** KEYS[1] holds ARGV[1]? Then it holds ARGV[2] for ARGV[3] milliseconds. */
export const swapScript: Script = script(`if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1
end
return 0`)

/** KEYS[1] holds ARGV[1]? Then it goes. */
export const deleteScript: Script = script(`if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0`)

function script(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}

/** Sends 40 characters instead of the script; the script itself only to a server that has lost it or never had it. */
export async function bySha1OrText(bySha1: () => Promise<unknown>, byText: () => Promise<unknown>): Promise<unknown> {
  try {
    return await bySha1()
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    return byText()
  }
}
