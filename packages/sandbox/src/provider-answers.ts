import { randomBytes } from 'node:crypto'
import type { KoaContextWithOIDC, default as Provider } from 'oidc-provider'
import { contextMembers } from './launch-context.ts'
import type { SandboxState } from './sandbox-state.ts'

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** Additions to the authorization server's responses, beyond OAuth. */
export function shapeAnswers(provider: Provider, state: SandboxState): void {
  provider.use(async (ctx, next) => {
    await next()
    withoutSessionCookie(ctx.res, provider.cookieName('session'))
  })

  // The token response (SMART App Launch 2.2 "Launch context arrives with your access_token").
  provider.on('grant.success', (ctx) => {
    const token = ctx.oidc.entities.AccessToken
    const context = token?.grantId === undefined ? undefined : state.contexts.get(token.grantId)
    if (!context || !isObject(ctx.body)) return
    Object.assign(ctx.body, contextMembers(context, new Set(token?.scope?.split(' '))))
  })

  // The server hides why it refused, but an app's developer needs to know.
  const explain = (ctx: KoaContextWithOIDC, error: object): void => {
    const detail = 'error_detail' in error ? error.error_detail : undefined
    if (typeof detail === 'string' && isObject(ctx.body)) ctx.body.error_description = detail
  }
  provider.on('grant.error', (ctx, error) => {
    if (ctx.oidc.entities.RefreshToken?.consumed) state.refreshReuseDetections += 1
    explain(ctx, error)
  })
  provider.on('introspection.error', explain)
  provider.on('revocation.error', explain)

  if (state.mode === 'intelichart') {
    provider.on('authorization.success', (ctx, response) => {
      if (!isObject(response)) return
      response.scope = ctx.oidc.entities.AuthorizationCode?.scope
      response.session_state = randomBytes(16).toString('base64url')
    })
  }
}

/**
 * Every authorization asks who signs in. With a session in the browser, two launches there would share a user.
 */
function withoutSessionCookie(response: KoaContextWithOIDC['res'], cookieName: string): void {
  const cookies = [response.getHeader('set-cookie') ?? []].flat().map(String)
  const kept = cookies.filter(
    (cookie) => !cookie.startsWith(`${cookieName}=`) && !cookie.startsWith(`${cookieName}.sig=`),
  )
  if (kept.length > 0) response.setHeader('set-cookie', kept)
  else response.removeHeader('set-cookie')
}
