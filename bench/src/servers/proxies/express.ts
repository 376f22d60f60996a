import { Agent } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fhirProxy, smartLaunch } from '@fhir-auth/express'
import express, { type Express, type RequestHandler } from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import type { RunningServer } from '../variant.ts'
import { CONSTANT_TOKEN, loggedIn, PROXY_OPTIONS } from './proxy-setup.ts'
import { NO_PROXY, OUR_PROXY, type ProxyVariants } from './proxy-variant.ts'

async function serve(app: Express, cookie?: string): Promise<RunningServer> {
  app.get('/', (_req, res) => void res.end('ok'))
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, cookie }
}

/** With connections that stay open, as `fetch` has them. */
export function constantTokenProxy(upstream: string): RequestHandler {
  return createProxyMiddleware({
    target: `${upstream}/r4`,
    changeOrigin: true,
    pathFilter: '/fhir',
    pathRewrite: { '^/fhir': '' },
    agent: new Agent({ keepAlive: true }),
    headers: { authorization: CONSTANT_TOKEN },
  }) as RequestHandler
}

export const expressProxies: ProxyVariants = {
  [OUR_PROXY]: async (upstream) => {
    const { launch, cookie } = await loggedIn(upstream)
    return serve(express().use(smartLaunch(launch)).use(fhirProxy(PROXY_OPTIONS)), cookie)
  },
  [NO_PROXY]: async (upstream) => {
    const { launch, cookie } = await loggedIn(upstream)
    return serve(express().use(smartLaunch(launch)), cookie)
  },
  'http-proxy-middleware 3, constant token': (upstream) => serve(express().use(constantTokenProxy(upstream))),
}
