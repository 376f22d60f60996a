// What the site shows, and in which order: the one place to add a page.

/**
 * @typedef {object} Page
 * @property {string} title in the navigation
 * @property {string} from the file, from the top of the repository
 * @property {string} to its place on the site, without `.md`
 */

/** @type {(title: string, from: string, to: string) => Page} */
const page = (title, from, to) => ({ title, from, to })
/** @type {(title: string, name: string) => Page} */
const guide = (title, name) => page(title, `docs/${name}.md`, name)

/** @type {readonly { title: string, pages: readonly Page[] }[]} */
export const GROUPS = [
  {
    title: 'Start',
    pages: [
      guide('Express', 'quickstart/express'),
      guide('Fastify', 'quickstart/fastify'),
      guide('Nest', 'quickstart/nest'),
      guide('Hono', 'quickstart/hono'),
      guide('The starter', 'starter'),
      guide('The flows, drawn', 'flows'),
    ],
  },
  {
    title: 'Your server',
    pages: [
      guide('InteliChart', 'intelichart'),
      guide('Other vendors', 'dialects'),
      guide('Keys', 'keys'),
      guide('Proxies and certificates', 'network'),
    ],
  },
  {
    title: 'Your app',
    pages: [
      guide('Inside an EHR', 'ehr-frames'),
      guide('Single-page apps', 'single-page-apps'),
      guide('From fhirclient', 'migrating-from-fhirclient'),
      guide('Bulk export', 'bulk-export'),
      guide('Testing', 'testing'),
      guide('CommonJS and Jest', 'typescript-and-jest'),
    ],
  },
  {
    title: 'In production',
    pages: [
      guide('Operations', 'operations'),
      guide('Behind a proxy', 'behind-a-proxy'),
      guide('Session stores', 'session-stores'),
      guide('Reliability', 'reliability'),
      guide('Scaling', 'scaling'),
      guide('Events', 'events'),
      guide('Upgrading', 'upgrading'),
      guide('Performance', 'performance'),
    ],
  },
  {
    title: 'Something is wrong',
    pages: [
      guide('Troubleshooting', 'troubleshooting'),
      page('Error codes', 'docs/errors.md', 'errors/index'),
      guide('Pages and log lines', 'problems'),
    ],
  },
  {
    title: 'Packages',
    pages: [
      page('core', 'packages/core/README.md', 'packages/core'),
      page('express', 'packages/express/README.md', 'packages/express'),
      page('fastify', 'packages/fastify/README.md', 'packages/fastify'),
      page('nest', 'packages/nest/README.md', 'packages/nest'),
      page('hono', 'packages/hono/README.md', 'packages/hono'),
      page('browser', 'packages/browser/README.md', 'packages/browser'),
      page('redis', 'packages/redis/README.md', 'packages/redis'),
      page('postgres', 'packages/postgres/README.md', 'packages/postgres'),
      page('opentelemetry', 'packages/opentelemetry/README.md', 'packages/opentelemetry'),
      page('sandbox', 'packages/sandbox/README.md', 'packages/sandbox'),
      page('cli', 'packages/cli/README.md', 'packages/cli'),
    ],
  },
  {
    title: 'How it is made',
    pages: [
      guide('Security', 'security'),
      guide('Requirements', 'requirements'),
      guide('Write an adapter', 'adapters'),
      page('Contributing', 'CONTRIBUTING.md', 'contributing'),
      page('Decisions', 'docs/decisions/README.md', 'decisions/index'),
    ],
  },
]
