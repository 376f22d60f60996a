import { renderMermaidSVG } from 'beautiful-mermaid'

/**
 * Draws ```` ```mermaid ```` blocks when the site is built, so that a page loads no program for them. The colours are variables
 * of the theme, and change with it. A block says in a comment what it shows: `%% A person logs in`.
 *
 * @param {import('markdown-it').default} md
 */
export function drawDiagrams(md) {
  const { fence } = md.renderer.rules
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const { info = '', content = '' } = tokens[index] ?? {}
    return info.trim() === 'mermaid' ? figure(md, content) : (fence?.(tokens, index, ...rest) ?? '')
  }
}

/** @type {(md: import('markdown-it').default, text: string) => string} */
function figure(md, text) {
  const [, title] = /^\s*%% (.+)$/m.exec(text) ?? []
  if (title === undefined) throw new Error(`A diagram needs a comment that says what it shows:\n${text}`)
  const colours = {
    bg: 'var(--vp-c-bg)',
    fg: 'var(--vp-c-text-1)',
    muted: 'var(--vp-c-text-1)',
    line: 'var(--vp-c-text-3)',
  }
  const svg = renderMermaidSVG(text.replace(/^\s*%%.*\n/gm, ''), { ...colours, transparent: true })
    // What it styles stands in style.css: Vue takes no style elements, and this one would fetch a font.
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .replace('<svg ', `<svg role="img" aria-label="${md.utils.escapeHtml(title)}" `)
  return `<div class="diagram" tabindex="0" role="group" aria-label="${md.utils.escapeHtml(title)}" v-pre>${svg}</div>\n`
}
