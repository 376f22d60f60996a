import { describe, expect, it } from 'vitest'
import { fillTemplate } from '../src/template.ts'

const input = { facts: new Set(['express', 'login']), values: { name: 'my-app' } }
const fill = (...lines: string[]) => fillTemplate(lines.join('\n'), input)

describe('a template', () => {
  it('keeps lines whose condition holds, whatever the comment sign', () => {
    expect(
      fill(
        '// #if login',
        'a',
        '// #end',
        '# #if backend',
        'b',
        '# #end',
        '<!-- #if nest express -->',
        'c',
        '<!-- #end -->',
      ),
    ).toBe('a\nc')
  })

  it('knows what does not hold, and conditions inside of others', () => {
    expect(fill('# #if !backend', 'a', '# #if nest', 'b', '# #end', 'c', '# #end', 'd')).toBe('a\nc\nd')
    expect(fill('# #if nest', '# #if login', 'a', '# #end', 'b', '# #end', 'c')).toBe('c')
  })

  it('is left out if it is only for other answers', () => {
    expect(fill('// #only backend', 'a')).toBeUndefined()
    expect(fill('// #only login', 'a')).toBe('a')
  })

  it('gets its values', () => expect(fill('{{name}} and {{name}}')).toBe('my-app and my-app'))

  it.each([
    ['{{other}}', 'No value is named other.'],
    ['# #if login', 'An #if without #end.'],
    ['# #end', 'An #end without #if.'],
  ])('refuses %s', (template, message) => expect(() => fill(template)).toThrow(message))
})
