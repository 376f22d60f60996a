import { type RedisServer, startRedisServer } from '@fhir-auth/conformance'
import { createClient } from 'redis'

export interface RedisClusterNode {
  readonly server: RedisServer
  readonly id: string
  command(...words: string[]): Promise<string>
}

const SLOTS = 16_384

/** Three masters on this machine that share the slots evenly. */
export async function startRedisCluster(): Promise<{ nodes: RedisClusterNode[]; close(): Promise<void> }> {
  const nodes = await Promise.all(Array.from({ length: 3 }, startNode))
  for (const [index, node] of nodes.entries()) {
    const first = Math.ceil((index * SLOTS) / nodes.length)
    const last = Math.ceil(((index + 1) * SLOTS) / nodes.length) - 1
    await node.command('CLUSTER', 'ADDSLOTSRANGE', String(first), String(last))
    await node.command('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
  }
  for (const { server } of nodes.slice(1)) {
    await nodes[0]?.command('CLUSTER', 'MEET', '127.0.0.1', String(server.port), String(server.clusterPort))
  }
  for (const node of nodes) await untilComplete(node, nodes.length)
  return {
    nodes,
    close: async () => {
      await Promise.all(nodes.map(({ server }) => server.close()))
    },
  }
}

async function startNode(): Promise<RedisClusterNode> {
  const server = await startRedisServer({ clusterNode: true })
  const command = async (...words: string[]) => {
    const client = createClient({ url: server.url })
    await client.connect()
    try {
      return String(await client.sendCommand(words))
    } finally {
      client.destroy()
    }
  }
  return { server, id: await command('CLUSTER', 'MYID'), command }
}

async function untilComplete(node: RedisClusterNode, size: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const info = await node.command('CLUSTER', 'INFO')
    if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${size}`)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('The nodes have not become a Cluster.')
}
