import type { Cancellation } from '../shared/cancellation.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'

/** A request that is sent as it is: no redirect is followed, and no header is added but those of the connection and the length. */
export interface SentRequest {
  readonly method: string
  readonly url: URL
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array> | undefined
  /** Ends the request, or the answer that is still being read. */
  readonly cancellation: Cancellation
}

/** What came back. Its body is read in one of the three ways, and once. */
export interface ServerAnswer {
  readonly status: number
  /** @param name - in lower case */
  header(name: string): string | undefined
  /** Whether the body has lost the coding that `content-encoding` names. */
  readonly isDecoded: boolean
  /** The whole body, if it is here already, or known to have at most `maxBytes`. */
  whole(maxBytes: number): MaybePromise<Uint8Array<ArrayBuffer>> | undefined
  /** Part by part. No more is read from the connection than is asked for. */
  parts(): AsyncIterable<Uint8Array>
  /** Lets go of the body. It never fails. */
  discard(): void
}

/** A way to send requests. */
export interface Sender {
  /** Whether it asks for codings of its own choice, and decodes them. */
  readonly decodes: boolean
  send(request: SentRequest): Promise<ServerAnswer>
}
