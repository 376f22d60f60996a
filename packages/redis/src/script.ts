import { createHash } from 'node:crypto'

/** A Lua script over one key, so that it runs on the node of a Cluster that has the key. */
export interface Script {
  readonly text: string
  readonly sha1: string
}

/** If KEYS[1] holds ARGV[1], sets it to ARGV[2] for ARGV[3] milliseconds. */
export const swapScript: Script = script(`if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1
end
return 0`)

/** If KEYS[1] holds ARGV[1], deletes it. */
export const deleteScript: Script = script(`if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0`)

function script(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}

/** Runs a script by its SHA-1. The whole script is sent only if the server does not know it. */
export async function bySha1OrText(bySha1: () => Promise<unknown>, byText: () => Promise<unknown>): Promise<unknown> {
  try {
    return await bySha1()
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    return byText()
  }
}
