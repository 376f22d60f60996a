import type { AddressInfo } from 'node:net'
import { fhirProxy, smartLaunch } from '@fhir-auth/hono'
import { serve as listen } from '@hono/node-server'
import { Hono } from 'hono'
import { proxy } from 'hono/proxy'
import type { RunningServer } from '../variant.ts'
import { CONSTANT_TOKEN, loggedIn, PROXY_OPTIONS } from './proxy-setup.ts'
import { NO_PROXY, OUR_PROXY, type ProxyVariants } from './proxy-variant.ts'

async function serve(app: Hono, cookie?: string): Promise<RunningServer> {
  app.get('/', (c) => c.text('ok'))
  const server = listen({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  await new Promise((resolve) => server.once('listening', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, cookie }
}

export const honoProxies: ProxyVariants = {
  [OUR_PROXY]: async (upstream) => {
    const { launch, cookie } = await loggedIn(upstream)
    const app = new Hono()
    app.use(smartLaunch(launch))
    app.use(fhirProxy(PROXY_OPTIONS))
    return serve(app, cookie)
  },
  [NO_PROXY]: async (upstream) => {
    const { launch, cookie } = await loggedIn(upstream)
    const app = new Hono()
    app.use(smartLaunch(launch))
    return serve(app, cookie)
  },
  'hono/proxy, constant token': (upstream) => {
    const app = new Hono()
    app.all('/fhir/*', (c) =>
      proxy(`${upstream}/r4${c.req.path.slice('/fhir'.length)}`, {
        raw: c.req.raw,
        headers: { ...c.req.header(), authorization: CONSTANT_TOKEN },
      }),
    )
    return serve(app)
  },
}
