import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readJson, workspaceRoot } from './workspace.mjs'

/**
 * @typedef {object} Installation
 * @property {string} app of `scripts/installed-apps`, and the package that it shows
 * @property {string} title
 * @property {Record<string, string>} dependencies besides this workspace's packages
 */

const nest = ['common', 'core', 'platform-express']
const { devDependencies } = readJson(join(workspaceRoot, 'package.json'))

/** The oldest and the newest version of each peer that a package supports. @type {Installation[]} */
export const installations = [
  { app: 'express', title: 'Express 4.18.0', dependencies: { express: '4.18.0', '@types/express': '^4.17.0' } },
  { app: 'express', title: 'Express 5', dependencies: { express: '^5.0.0', '@types/express': '^5.0.0' } },
  { app: 'fastify', title: 'Fastify 5.0.0', dependencies: { fastify: '5.0.0' } },
  { app: 'fastify', title: 'Fastify 5', dependencies: { fastify: '^5.0.0' } },
  { app: 'hono', title: 'Hono 4.8.0', dependencies: { hono: '4.8.0' } },
  { app: 'hono', title: 'Hono 4', dependencies: { hono: '^4.8.0' } },
  { app: 'nest', title: 'Nest 11.0.0', dependencies: nestDependencies('11.0.0') },
  { app: 'nest', title: 'Nest 12', dependencies: nestDependencies('^12.0.0') },
  {
    app: 'opentelemetry',
    title: 'OpenTelemetry API 1.9.0, SDK 2.0.0',
    dependencies: { '@opentelemetry/api': '1.9.0', '@opentelemetry/sdk-trace-base': '2.0.0' },
  },
  {
    app: 'opentelemetry',
    title: 'OpenTelemetry API 1, SDK 2',
    dependencies: { '@opentelemetry/api': '^1.9.0', '@opentelemetry/sdk-trace-base': '^2.0.0' },
  },
  { app: 'postgres', title: 'pg 8.7.1', dependencies: { pg: '8.7.1', '@types/pg': '8.6.6' } },
  { app: 'postgres', title: 'pg 8', dependencies: { pg: '^8.7.1', '@types/pg': '^8.23.1' } },
  { app: 'redis', title: 'redis 5.0.0, ioredis 5.0.0', dependencies: { redis: '5.0.0', ioredis: '5.0.0' } },
  { app: 'redis', title: 'redis 6, ioredis 6', dependencies: { redis: '^6.0.0', ioredis: '^6.0.0' } },
]

/** @param {string} version */
function nestDependencies(version) {
  const packages = Object.fromEntries(nest.map((name) => [`@nestjs/${name}`, version]))
  return { ...packages, 'reflect-metadata': '^0.2.2', rxjs: '^7.8.2' }
}

/** What each app prints: a person is sent to the authorization server, a route is guarded, and there are keys. */
const answer = 'login: 303 https://auth.example.com, guarded: 401, keys: 1\n'

/** Where Node takes the files of a folder for ES modules, and where it does not, so that `import` becomes `require()`. */
const moduleKinds = /** @type {const} */ (['module', 'commonjs'])

/**
 * Projects as teams have them, in `scripts/installed-projects`, each with tests of its own.
 *
 * @type {{ project: string, title: string, packages: string[] }[]}
 */
export const projects = [
  {
    project: 'nest-11-jest',
    title: 'Nest 11 as `nest new` made it: CommonJS, node10, Jest 29',
    packages: ['core', 'nest'],
  },
  { project: 'express-jest', title: 'Express in CommonJS, nodenext, Jest 29', packages: ['core', 'express'] },
  { project: 'hono-vitest', title: 'Hono in ES modules, vitest', packages: ['core', 'hono'] },
  {
    project: 'express-playwright',
    title: 'Express with the sandbox, Playwright',
    packages: ['core', 'express', 'sandbox'],
  },
  { project: 'fastify-node-test', title: 'Fastify in JavaScript, node:test', packages: ['core', 'fastify'] },
]

/**
 * Installs the packages in such a project, compiles it by its own TypeScript, and runs its tests.
 *
 * @param {typeof projects[number]} project
 * @param {Map<string, string>} tarballs the files of this workspace's packages, by their names
 * @param {string} folder is made
 * @returns {Promise<void>} rejects with the output of what failed
 */
export async function testProject({ project, packages }, tarballs, folder) {
  cpSync(join(workspaceRoot, 'scripts/installed-projects', project), folder, { recursive: true })
  const manifest = readJson(join(folder, 'package.json'))
  for (const name of packages.map((short) => `@fhir-auth/${short}`)) {
    manifest.dependencies[name] = `file:${tarballs.get(name)}`
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  await runIn(folder, 'npm', INSTALL)
  await runIn(folder, 'npx', ['--no', 'tsc', '--', '--noEmit', '-p', '.'])
  await runIn(folder, 'npm', ['test'])
}

export const INSTALL = [
  'install',
  '--no-audit',
  '--no-fund',
  '--ignore-scripts',
  '--prefer-offline',
  '--no-package-lock',
]

/**
 * Installs one adapter and one version of its framework in an empty project, compiles a tiny app there as users of
 * TypeScript do, and runs it as an ES module and by `require()`.
 *
 * @param {Installation} installation
 * @param {Map<string, string>} tarballs the files of this workspace's packages, by their names
 * @param {string} folder is made
 * @returns {Promise<void>} rejects with the output of what failed
 */
export async function useInstalled({ app, dependencies }, tarballs, folder) {
  const packages = ['@fhir-auth/core', `@fhir-auth/${app}`].map((name) => [name, `file:${tarballs.get(name)}`])
  const manifest = {
    private: true,
    dependencies: { ...Object.fromEntries(packages), ...dependencies, '@types/node': devDependencies['@types/node'] },
  }
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  await runIn(folder, 'npm', INSTALL)

  for (const type of moduleKinds) {
    const sources = join(folder, type)
    mkdirSync(sources)
    writeFileSync(join(sources, 'package.json'), JSON.stringify({ type }))
    for (const file of [`${app}.ts`, 'settings.ts']) {
      cpSync(join(workspaceRoot, 'scripts/installed-apps', file), join(sources, file))
    }
    await compile(sources, app, { module: 'nodenext' })
    const printed = await runIn(sources, process.execPath, [`${app}.js`])
    if (printed.replaceAll(answer, '') !== '' || printed === '') throw new Error(`${type}: the app says\n${printed}`)
  }
  await compile(join(folder, 'module'), app, { module: 'esnext', moduleResolution: 'bundler', noEmit: true })
}

/**
 * @param {string} folder
 * @param {string} app
 * @param {Record<string, unknown>} options
 */
async function compile(folder, app, options) {
  const compilerOptions = {
    target: 'es2022',
    strict: true,
    skipLibCheck: false,
    experimentalDecorators: true,
    types: ['node'],
    ...options,
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [`${app}.ts`] }))
  await runIn(folder, join(workspaceRoot, 'node_modules/.bin/tsc'), ['-p', '.'])
}

/**
 * Runs one command to its end and returns what it wrote to stdout, while others go on.
 *
 * @param {string} cwd
 * @param {string} command
 * @param {string[]} args
 */
export async function runIn(cwd, command, args) {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd, env: { ...process.env, NO_COLOR: '1' } })
    return stdout
  } catch (error) {
    const { stdout, stderr } = /** @type {{ stdout: string, stderr: string }} */ (error)
    throw new Error(`\`${[command, ...args].join(' ')}\` failed in ${cwd}\n${stdout}${stderr}`)
  }
}
