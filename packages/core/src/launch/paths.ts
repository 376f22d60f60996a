import { type OptionRules, path, pathOrFalse, refuseOption } from '../options.ts'

/**
 * Paths as the app's framework sees them: with a mount path, and without a prefix that a proxy strips. By default, all are in
 * the folder of the callback: with `/ehr/callback`, the login is `/ehr/login` and the home page is `/ehr/`.
 */
export interface PathOptions {
  /** Opened by the EHR with `iss` and `launch`. `false`: no EHR launch. */
  launch?: string | false | undefined
  /** Starts a standalone launch. `false`: people must open the app from the EHR. */
  login?: string | false | undefined
  /** Default: the path of each `redirectUri`. Set it if a proxy strips a prefix. */
  callback?: string | undefined
  logout?: string | false | undefined
  /** The page after a login, unless another page was requested. Default: the folder of the callback. */
  home?: string | undefined
  /** The page after a logout. Default: the folder of the callback. */
  loggedOut?: string | undefined
}

export type LaunchPaths = Readonly<Record<'launch' | 'login' | 'logout', string | undefined>> &
  Readonly<Record<'callback' | 'home' | 'loggedOut', string>>

export interface CompletePaths {
  /** As the app's framework sees them, to compare with requests. */
  readonly paths: LaunchPaths
  /** As the browser sees them, for links and redirects. */
  readonly publicPaths: LaunchPaths
  /** The callbacks of registrations with their own redirect URI, as the app's framework sees them. Undefined if there are none. */
  readonly moreCallbacks: ReadonlySet<string> | undefined
  /** The prefix that a proxy strips: public path = prefix + path. */
  readonly pathPrefix: string
}

export const PATHS: OptionRules<PathOptions> = {
  launch: pathOrFalse(undefined),
  login: pathOrFalse(undefined),
  callback: path(undefined),
  logout: pathOrFalse(undefined),
  home: path(undefined),
  loggedOut: path(undefined),
}

/**
 * All paths of a launch. Those that are not set are siblings of the callback.
 *
 * @param redirectPaths - the paths of all redirect URIs, the main one first, as the browser sees them
 * @throws `invalid_option`
 */
export function completePaths(given: PathOptions, redirectPaths: readonly string[]): CompletePaths {
  const [redirectPath = '', ...others] = redirectPaths
  const { callback = redirectPath } = given
  if (!redirectPath.endsWith(callback)) {
    refuseOption(`paths.callback is ${callback}, but the path of redirectUri (${redirectPath}) does not end with that.`)
  }
  const folder = callback.slice(0, callback.lastIndexOf('/') + 1)
  const { home = folder, loggedOut = folder } = given
  const pathOf = (name: 'launch' | 'login' | 'logout') =>
    given[name] === false ? undefined : (given[name] ?? folder + name)
  const own = { callback, launch: pathOf('launch'), login: pathOf('login'), logout: pathOf('logout') }
  const pathPrefix = redirectPath.slice(0, redirectPath.length - callback.length)
  const outside = others.find((path) => !path.startsWith(`${pathPrefix}/`))
  if (outside) {
    refuseOption(
      `paths.callback means that a proxy strips ${pathPrefix}, but the redirectUri with the path ${outside} does not begin with that.`,
    )
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
