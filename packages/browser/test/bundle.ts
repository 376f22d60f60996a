import { join } from 'node:path'
import { rolldown } from 'rolldown'

const src = join(import.meta.dirname, '../src')

/** One script for a browser, minified, of a module that may import from `@fhir-auth/browser`. */
export async function bundleOf(code: string): Promise<string> {
  const bundle = await rolldown({
    input: 'entry',
    platform: 'browser',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? id : id === '@fhir-auth/browser' ? join(src, 'index.ts') : undefined),
        load: (id) => (id === 'entry' ? code : undefined),
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  return output[0].code
}
