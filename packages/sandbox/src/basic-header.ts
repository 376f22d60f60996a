/** User and password of a Basic header, taken literally. */
export function readBasic(header: string | undefined): { clientId: string; clientSecret: string } | undefined {
  const [, encoded] = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? '') ?? []
  const [, clientId, clientSecret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString()) ?? []
  return clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret }
}
