import { connect, createServer, type Socket } from 'node:net'

/** A port that leads to one server, later to another: as the address of a database does that fails over. */
export interface SwitchableDoor {
  readonly port: number
  /** From now on. Connections that are open stay with their server. */
  leadTo(port: number): void
  /** Answers get lost from now on, or no longer. */
  loseAnswers(areLost: boolean): void
  /** Ends all connections, without a goodbye. */
  cut(): void
  close(): Promise<void>
}

export async function openDoor(firstPort: number): Promise<SwitchableDoor> {
  let port = firstPort
  let areAnswersLost = false
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('data', (bytes) => {
        if (socket === client || !areAnswersLost) other.write(bytes)
      })
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    port: (server.address() as { port: number }).port, // a TCP server that listens
    leadTo(next) {
      port = next
    },
    loseAnswers(areLost) {
      areAnswersLost = areLost
    },
    cut,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      cut()
      await closed
    },
  }
}
