/** Issues, rotates and revokes refresh tokens, and knows which of them still work. */
export function createRotatingServer(origin: string) {
  const live = new Set<string>()
  let issued = 0
  let patients = 0
  const issue = (context: object = {}) => {
    const refreshToken = `refresh-${++issued}`
    live.add(refreshToken)
    const members = { token_type: 'bearer', expires_in: 300, scope: 'patient/*.rs offline_access', ...context }
    return Response.json({ access_token: `access-${issued}`, refresh_token: refreshToken, ...members })
  }
  const send: typeof fetch = async (input, init) => {
    const form = new URLSearchParams(String(init?.body))
    if (String(input) === `${origin}/revoke`) {
      live.delete(form.get('token') ?? '')
      return new Response(null, { status: 200 })
    }
    if (form.get('grant_type') === 'authorization_code') {
      return issue({ patient: `p${++patients}` })
    }
    if (live.delete(form.get('refresh_token') ?? '')) return issue()
    return Response.json({ error: 'invalid_grant' }, { status: 400 })
  }
  return { live, send }
}
