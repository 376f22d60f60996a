/** What the parent sends to a process of the app. */
export type Command =
  | { type: 'open'; server: string; secret: string }
  | { type: 'advance'; seconds: number }
  | { type: 'act'; method: string; url: string; cookie: string; launchId?: string | undefined }
  | { type: 'permit'; id: number }

/** What the process sends back. */
export type Report =
  | { type: 'opened' }
  /** It is about to do this, and waits for the permit. */
  | { type: 'step'; id: number; of: string; isRead: boolean }
  | { type: 'done'; id: number }
  | { type: 'result'; result: Result }

/** The answer to a request, as far as the browser keeps it. */
export interface Result {
  status: number
  cookies: string[]
  location: string | undefined
  /** Of the context that the request has. */
  launchId: string | undefined
}
