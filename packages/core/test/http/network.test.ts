import { expect, it } from 'vitest'
import { networkOf } from '../../src/http/network.ts'

const hostnameOf = (host: string) => new URL(`https://${host}/`).hostname

it.each([
  ['fhir.example.com', 'public'],
  ['8.8.8.8', 'public'],
  ['172.15.0.1', 'public'],
  ['172.32.0.1', 'public'],
  ['[2001:db8::1]', 'public'],
  ['10.example.com', 'public'],
  ['localhost.example.com', 'public'],
  ['10.0.0.1', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.1.1', 'private'],
  ['169.254.169.254', 'private'],
  ['100.64.0.1', 'private'],
  ['0.0.0.0', 'private'],
  ['0xa000001', 'private'],
  ['167772161', 'private'],
  ['[fd00::1]', 'private'],
  ['[fe80::1]', 'private'],
  ['[::ffff:10.0.0.1]', 'private'],
  ['[::]', 'private'],
  ['ehr.internal', 'private'],
  ['printer.local', 'private'],
  ['localhost', 'loopback'],
  ['app.localhost', 'loopback'],
  ['127.1', 'loopback'],
  ['2130706433', 'loopback'],
  ['[::1]', 'loopback'],
  ['[::ffff:127.0.0.1]', 'loopback'],
])('%s is %s', (host, network) => {
  expect(networkOf(hostnameOf(host))).toBe(network)
})
