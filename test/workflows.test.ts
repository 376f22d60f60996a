import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const WORKFLOWS = '.github/workflows'
const workflows = readdirSync(WORKFLOWS).map((file) => ({ file, text: readFileSync(`${WORKFLOWS}/${file}`, 'utf8') }))
const { packageManager, scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  packageManager: string
  scripts: Record<string, string>
}

/** The jobs of a workflow, each as its text. */
function jobsOf({ text }: { text: string }): { name: string; text: string }[] {
  const [, jobs = ''] = text.split(/^jobs:\n/m)
  return jobs.split(/^(?= {2}[\w-]+:\n)/m).map((job) => ({ name: /^ {2}([\w-]+):/m.exec(job)?.[1] ?? '', text: job }))
}

/** What a job runs, one line each, and what it hands to an action to run. */
function commandsOf(job: string): string[] {
  return [...job.matchAll(/^ +(?:- )?(?:run|version|publish): (.+)$/gm)].map(([, command = '']) => command)
}

describe('workflows', () => {
  it.each(workflows)('$file uses each action at one commit', ({ text }) => {
    const uses = [...text.matchAll(/uses: (.+)/g)].map(([, action = '']) => action)
    expect(uses.length).toBeGreaterThan(0)
    for (const action of uses) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  it.each(workflows)('$file has no permission that a job does not ask for', ({ text }) => {
    expect(text).toMatch(/^permissions:(?: \{\}|\n {2}contents: read)\n\n/m)
  })
})

const jobs = workflows.flatMap((workflow) => jobsOf(workflow))
const publishing = jobs.filter(({ text }) => /: write\b/.test(text))

describe('the job that may publish', () => {
  it('is one, and comes after all gates, which may write nothing', () => {
    expect(publishing.map(({ name }) => name)).toEqual(['release'])
    expect(publishing[0]?.text).toContain('\n    needs: gates\n')
    const gates = jobs.find(({ name }) => name === 'gates')
    expect(commandsOf(gates?.text ?? '')).toContain('bash .ci/run')
  })

  it('installs nothing but what the lockfile names, by the one pnpm that packageManager names', () => {
    for (const { text } of publishing) {
      expect(commandsOf(text)).toEqual([
        `npm install --global --ignore-scripts ${packageManager}`,
        'pnpm install --frozen-lockfile',
        'pnpm run release:version',
        'pnpm run release:publish',
      ])
      // Nothing runs that `commandsOf` does not see.
      expect(text).not.toMatch(/run: [|>]|uses: \.|^ +cache: /m)
    }
  })

  it('runs scripts of programs that the lockfile names', () => {
    expect(packageManager).toMatch(/^pnpm@\d+\.\d+\.\d+$/)
    expect(scripts['release:version']).toBe('changeset version && pnpm install --lockfile-only')
    expect(scripts['release:publish']).toBe('turbo run build && changeset publish')
  })
})
