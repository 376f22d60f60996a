import { type Answers, type AppChoices, choices } from './choices.ts'
import type { TemplateInput } from './template.ts'
import { vendors } from './vendors.ts'

/** What the templates are filled with. */
export function templateInput(answers: AppChoices & Pick<Answers, 'name'>): TemplateInput {
  const { framework, vendor, kind, store, name } = answers
  const { dialect, launch, backend, keyAlg, note } = vendors[vendor]
  const hasLogin = kind !== 'backend'
  const hasBackend = kind !== 'login'
  const facts = new Set<string>([framework, vendor, store])
  if (hasLogin) facts.add('login')
  if (hasBackend) facts.add('backend')
  facts.add(kind === 'both' ? 'both' : hasLogin ? 'onlyLogin' : 'onlyBackend')

  const mounts = [...(hasBackend ? ['backendServices'] : []), ...(hasLogin ? ['smartLaunch'] : [])]
  const types = [...(hasBackend ? ['BackendServices'] : []), ...(hasLogin ? ['SmartLaunch'] : [])]
  const isNest = framework === 'nest'
  return {
    facts,
    values: {
      name,
      title: name.replace(/[-._]+/g, ' ').replace(/^./, (first) => first.toUpperCase()),
      framework,
      frameworkName: choices.framework[framework],
      vendor,
      vendorName: vendor === 'smart' ? 'your EHR' : choices.vendor[vendor],
      vendorNote: note,
      storeName: { memory: 'sessions in memory', redis: 'Redis', postgres: 'PostgreSQL' }[store],
      launchDialect: launch,
      backendDialect: backend,
      keyAlg,
      launchImports: imports('clientSecretBasic', 'createSmartLaunch', dialect),
      backendImports: imports('createBackendServices', 'loadKeySet', dialect),
      mountImports: imports('fhirErrors', ...mounts),
      serviceTypes: imports(...types),
      recordFile: isNest ? 'record.controller.ts' : 'record.ts',
      jobsFile: isNest ? 'jobs.controller.ts' : 'jobs.ts',
      await: isNest ? 'await ' : '',
    },
  }
}

/** In the order that formatters want. */
function imports(...names: string[]): string {
  return names.sort((a, b) => a.localeCompare(b, 'en')).join(', ')
}
