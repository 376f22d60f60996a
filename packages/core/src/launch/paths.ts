import { type OptionRules, path, pathOrFalse, refuseOption } from '../options.ts'

/**
 * Paths as the app's framework sees them, with the path that the app is mounted at, and without a prefix that a proxy
 * strips before it. Launch, login and logout are siblings of the callback by default: `/ehr/callback` gives `/ehr/login`.
 */
export interface PathOptions {
  /** Opened by the EHR with `iss` and `launch`. `false`: no EHR launch. */
  launch?: string | false | undefined
  /** Starts a standalone launch. `false`: none, the person must open the app from the EHR. */
  login?: string | false | undefined
  /** Default: the path of `redirectUri`, or of each where registrations have their own. Set it where a proxy strips a prefix before the app. */
  callback?: string | undefined
  logout?: string | false | undefined
  /** Where a person lands after login without another wish. Default `/`. */
  home?: string | undefined
  /** Where a person lands after logout. Default `/`. */
  loggedOut?: string | undefined
}

export type LaunchPaths = Readonly<Record<'launch' | 'login' | 'logout', string | undefined>> &
  Readonly<Record<'callback' | 'home' | 'loggedOut', string>>

export interface CompletePaths {
  /** As the app's framework sees them: what a request is compared with. */
  readonly paths: LaunchPaths
  /** As the browser sees them: where links and redirects lead. */
  readonly publicPaths: LaunchPaths
  /** Of registrations with a redirect URI of their own; undefined where none has. As the app's framework sees them. */
  readonly moreCallbacks: ReadonlySet<string> | undefined
  /** What a proxy strips before the app: public path = prefix + path. */
  readonly pathPrefix: string
}

/** The paths that were given, and those with a default. */
export interface GivenPaths extends PathOptions {
  home: string
  loggedOut: string
}

export const PATHS: OptionRules<GivenPaths> = {
  launch: pathOrFalse(undefined),
  login: pathOrFalse(undefined),
  callback: path(undefined),
  logout: pathOrFalse(undefined),
  home: path('/'),
  loggedOut: path('/'),
}

/**
 * All paths of a launch, those that were not given made from the callback's.
 *
 * @param redirectPaths - of all redirect URIs, the main one first: as the browser sees the callbacks
 * @throws `invalid_option`
 */
export function completePaths(given: GivenPaths, redirectPaths: readonly string[]): CompletePaths {
  const [redirectPath = '', ...others] = redirectPaths
  const { callback = redirectPath, home, loggedOut } = given
  if (!redirectPath.endsWith(callback)) {
    refuseOption(`paths.callback is ${callback}, with which the path of redirectUri (${redirectPath}) does not end.`)
  }
  const folder = callback.slice(0, callback.lastIndexOf('/') + 1)
  const pathOf = (name: 'launch' | 'login' | 'logout') =>
    given[name] === false ? undefined : (given[name] ?? folder + name)
  const own = { callback, launch: pathOf('launch'), login: pathOf('login'), logout: pathOf('logout') }
  const pathPrefix = redirectPath.slice(0, redirectPath.length - callback.length)
  const outside = others.find((path) => !path.startsWith(`${pathPrefix}/`))
  if (outside) {
    refuseOption(`paths.callback says that a proxy strips ${pathPrefix}, which the redirectUri at ${outside} lacks.`)
  }
  const moreCallbacks = others.map((path) => path.slice(pathPrefix.length))
  const used = [...Object.values(own), ...moreCallbacks].filter((value) => value !== undefined)
  if (new Set(used).size < used.length) refuseOption('paths: launch, login, callback and logout must differ.')
  const paths = { ...own, home, loggedOut }
  return {
    paths,
    publicPaths: withPrefix(pathPrefix, paths),
    moreCallbacks: moreCallbacks.length === 0 ? undefined : new Set(moreCallbacks),
    pathPrefix,
  }
}

function withPrefix(prefix: string, paths: LaunchPaths): LaunchPaths {
  const entries = Object.entries(paths).map(([name, value]) => [name, value === undefined ? value : prefix + value])
  return Object.fromEntries(entries) as LaunchPaths // the same names
}
