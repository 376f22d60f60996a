/** One TypeScript block of a page or of a doc comment. */
export interface Snippet {
  /** Where the block stands, as `file:line` of its first line of code. */
  place: string
  lines: { text: string; file: string; line: number }[]
}

/**
 * Finds every block that opens with ```` ```ts ````.
 *
 * - ```` ```ts continued ```` goes on where the block before it on the same page ended, and is compiled together with it.
 * - ```` ```ts no-check ```` is not compiled; an HTML comment `no-check: <reason>` must stand right above it.
 *
 * @param file for messages; a `.ts` file is read as source, and its doc comments are searched
 * @throws when a block is not closed, continues nothing, or is not checked without a reason
 */
export function extractSnippets(file: string, content: string): Snippet[] {
  const rows = content.split('\n').map((text) => (file.endsWith('.ts') ? docCommentText(text) : text))
  const snippets: Snippet[] = []
  for (let index = 0; index < rows.length; index++) {
    const opening = /^(\s*)```(?:ts|typescript)\b(.*)$/.exec(rows[index] ?? '')
    if (opening === null) continue

    const [, indent = '', tags = ''] = opening
    const closing = rows.findIndex((row, later) => later > index && row?.trim() === '```')
    if (closing < 0) throw new Error(`${file}:${index + 1}: the block is not closed`)
    const lines = rows.slice(index + 1, closing).map((row, offset) => ({
      text: row?.startsWith(indent) ? row.slice(indent.length) : (row ?? ''),
      file,
      line: index + 2 + offset,
    }))
    const place = `${file}:${index + 2}`
    const previous = snippets.at(-1)

    if (tags.includes('no-check')) {
      if (!/no-check: \S+/.test(rows[index - 1] ?? '')) throw new Error(`${place}: no-check needs a reason above it`)
    } else if (tags.includes('continued')) {
      if (previous === undefined) throw new Error(`${place}: there is no block to continue`)
      snippets.push({ place, lines: [...previous.lines, ...lines] })
    } else {
      snippets.push({ place, lines })
    }
    index = closing
  }
  return snippets
}

/** The text of one line of a doc comment; undefined for a line of code. */
function docCommentText(line: string): string | undefined {
  return /^\s*\*(?!\/) ?(.*)$/.exec(line)?.[1]
}
