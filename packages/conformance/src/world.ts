import type { FhirAuthEvent } from '@fhir-auth/core'
import type { Sandbox } from '@fhir-auth/sandbox'
import type { AdapterHost, StartedApp } from './adapter-host.ts'
import type { AppRecipe } from './app/app-recipe.ts'
import { createAppSetup } from './app/app-setup.ts'
import type { CaseApp } from './case-app.ts'
import type { HostileServer } from './hostile/hostile-server.ts'
import { KnownSecrets } from './known-secrets.ts'
import { watchProcess } from './process-watch.ts'
import type { SuiteSandbox } from './suite-sandbox.ts'
import { Visitor } from './visitor.ts'

/** What a case can use: its own app, the sandbox, and as many browsers as it needs. */
export interface World {
  sandbox: Sandbox
  hostile: HostileServer
  origin: string
  /** Origin and mount path. */
  base: string
  recipe: AppRecipe
  /** A new browser, logged in nowhere. */
  visitor(): Visitor
  /** Requests that the token endpoint got, by their `grant_type`. */
  tokenRequests(grantType: 'authorization_code' | 'refresh_token' | 'client_credentials'): Sandbox['requests']
  /** Moves the app's clock on. Needs the capability `inProcess`. */
  advanceSeconds(seconds: number): void
  /** The events of the FHIR proxy. Needs the capability `inProcess`. */
  proxied: readonly FhirAuthEvent[]
  /** What the app has printed and logged until now. */
  printed(): string
  /** Adds a value that must not appear in a response or a log line. */
  addSecret(value: string): void
}

export interface RunningWorld extends World {
  /** Closes the app, and returns leaks and unhandled rejections of the case. */
  end(): Promise<{ leaks: string[]; unhandledRejections: unknown[] }>
}

export async function startWorld(host: AdapterHost, suite: SuiteSandbox, caseApp: CaseApp): Promise<RunningWorld> {
  const { sandbox, hostile } = suite
  sandbox.clearFaults()
  sandbox.clearRequests()
  hostile.reset()
  const recipe = suite.recipeOf(caseApp)
  const watch = watchProcess()
  const secrets = new KnownSecrets()
  secrets.add(...suite.secrets)
  const tokenWatch = secrets.watchTokenResponses()
  const visitors: Visitor[] = []
  const proxied: FhirAuthEvent[] = []
  let ahead = 0
  let app: StartedApp
  const stopWatching = () => {
    tokenWatch.end()
    return watch.end()
  }
  try {
    const now = () => Date.now() + ahead
    app = await host.start(
      await createAppSetup(recipe, {
        now,
        store: caseApp.store?.(),
        log: watch,
        onProxied: (event) => proxied.push(event),
      }),
    )
  } catch (error) {
    await stopWatching()
    throw error
  }
  suite.register(recipe, app.origin)
  const base = app.origin + (recipe.mountPath ?? '')

  return {
    sandbox,
    hostile,
    recipe,
    base,
    origin: app.origin,
    visitor() {
      const visitor = new Visitor(base)
      visitors.push(visitor)
      return visitor
    },
    tokenRequests: (grantType) =>
      sandbox.requestsTo('/token').filter(({ form }) => form.get('grant_type') === grantType),
    advanceSeconds(seconds) {
      ahead += seconds * 1000
    },
    proxied,
    printed: () => `${watch.printed()}\n${app.output?.() ?? ''}`,
    addSecret: (value) => secrets.add(value),
    async end() {
      await app.close()
      const unhandledRejections = await stopWatching()
      secrets.addRequests(sandbox.requests)
      secrets.add(...visitors.flatMap(secretsOf))
      const answers = visitors.flatMap((visitor) => answersOf(visitor, app.origin))
      const texts = [...answers, `log: ${watch.printed()}`, `output: ${app.output?.() ?? ''}`]
      const leaks = texts.flatMap((text) => secrets.foundIn(text).map((secret) => `${secret} in ${text.slice(0, 200)}`))
      return { leaks, unhandledRejections }
    },
  }
}

/** Codes in callbacks to the app, and session ids. */
function secretsOf({ agent, sessionCookie }: Visitor): (string | null | undefined)[] {
  const locations = agent.history.flatMap(({ location }) => (location && URL.canParse(location) ? [location] : []))
  return [sessionCookie, ...locations.map((location) => new URL(location).searchParams.get('code'))]
}

/** Every response of the app, without the parts that may contain a secret: `Set-Cookie`, and the redirect to the authorization server. */
function answersOf({ agent }: Visitor, origin: string): string[] {
  return agent.history
    .filter(({ url }) => url.startsWith(origin))
    .map(({ method, url, status, headers, body }) => {
      const shown = [...headers].filter(([name, value]) => {
        if (name === 'set-cookie') return false
        return name !== 'location' || new URL(value, url).origin === origin
      })
      const { pathname } = new URL(url)
      return `${method} ${pathname}: ${status} ${shown.map((pair) => pair.join(': ')).join('\n')}\n${body}`
    })
}
