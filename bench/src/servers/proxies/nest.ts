import { FhirAuthModule, type FhirAuthModuleOptions } from '@fhir-auth/nest'
import type { INestApplication } from '@nestjs/common'
import { createNestApp, PlainController } from '../nest.ts'
import type { RunningServer } from '../variant.ts'
import { constantTokenProxy } from './express.ts'
import { loggedIn, PROXY_OPTIONS } from './proxy-setup.ts'
import { NO_PROXY, OUR_PROXY, type ProxyVariants } from './proxy-variant.ts'

async function serve(app: INestApplication, cookie?: string): Promise<RunningServer> {
  await app.listen(0, '127.0.0.1')
  return { url: (await app.getUrl()).replace('[::1]', '127.0.0.1'), cookie }
}

async function ours(upstream: string, more: Pick<FhirAuthModuleOptions, 'fhirProxy'>): Promise<RunningServer> {
  const { launch, cookie } = await loggedIn(upstream)
  const imports = [FhirAuthModule.forRoot({ smartLaunch: launch, ...more })]
  return serve(await createNestApp([PlainController], undefined, imports), cookie)
}

export const nestProxies: ProxyVariants = {
  [OUR_PROXY]: (upstream) => ours(upstream, { fhirProxy: PROXY_OPTIONS }),
  [NO_PROXY]: (upstream) => ours(upstream, {}),
  'http-proxy-middleware 3, constant token': async (upstream) =>
    serve(await createNestApp([PlainController], constantTokenProxy(upstream))),
}
