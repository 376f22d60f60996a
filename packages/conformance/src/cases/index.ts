import type { ConformanceCase } from '../conformance-case.ts'
import { hostileAuthorizationServer } from '../hostile/authorization-server.ts'
import { hostileBrowser } from '../hostile/browser.ts'
import { hostileFhirServer } from '../hostile/fhir-server.ts'
import { hostileIdToken } from '../hostile/id-token.ts'
import { hostileProxyBrowser } from '../hostile/proxy-browser.ts'
import { hostileProxyMessages } from '../hostile/proxy-messages.ts'
import { hostileProxyPatient } from '../hostile/proxy-patient.ts'
import { hostileProxyVisitor } from '../hostile/proxy-visitor.ts'
import { hostileStore } from '../hostile/store.ts'
import { authorizationErrors } from './authorization-errors.ts'
import { backend } from './backend.ts'
import { callback } from './callback.ts'
import { ehrLaunch } from './ehr-launch.ts'
import { errorPath } from './error-path.ts'
import { fhirJson } from './fhir-json.ts'
import { forwardedHeaders } from './forwarded-headers.ts'
import { frames } from './frames.ts'
import { guard } from './guard.ts'
import { handlerErrors } from './handler-errors.ts'
import { headers } from './headers.ts'
import { isolation } from './isolation.ts'
import { logout } from './logout.ts'
import { mounting } from './mounting.ts'
import { problems } from './problems.ts'
import { proxyAnswers } from './proxy-answers.ts'
import { proxyApp } from './proxy-app.ts'
import { proxyRequests } from './proxy-requests.ts'
import { proxySessions } from './proxy-sessions.ts'
import { refresh } from './refresh.ts'
import { sessionCookie } from './session-cookie.ts'
import { speculative } from './speculative.ts'
import { standaloneLaunch } from './standalone-launch.ts'
import { twoTabs } from './two-tabs.ts'

/** All cases, by theme. */
export const themes = {
  'standalone launch': standaloneLaunch,
  'EHR launch': ehrLaunch,
  callback,
  'authorization errors': authorizationErrors,
  'speculative requests': speculative,
  'two tabs': twoTabs,
  'session cookie': sessionCookie,
  guard,
  frames,
  'fhir.json': fhirJson,
  'errors of handlers': handlerErrors,
  'FHIR proxy': [...proxyApp, ...proxyRequests, ...proxyAnswers, ...proxySessions],
  headers,
  refresh,
  logout,
  backend,
  mounting,
  problems,
  'error path': errorPath,
  isolation,
  'forwarded headers': forwardedHeaders,
  'hostile id_token': hostileIdToken,
  'hostile authorization server': hostileAuthorizationServer,
  'hostile FHIR server': hostileFhirServer,
  'hostile browser': hostileBrowser,
  'hostile browser and FHIR proxy': [
    ...hostileProxyVisitor,
    ...hostileProxyBrowser,
    ...hostileProxyMessages,
    ...hostileProxyPatient,
  ],
  'hostile store': hostileStore,
} satisfies Record<string, readonly ConformanceCase[]>

export type Theme = keyof typeof themes
