/** What an attacker may try to get into a page. */
export const XSS_PAYLOADS = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'><svg onload=alert(1)>",
  '</title><script>alert(1)</script>',
  '" autofocus onfocus="alert(1)',
  '--><iframe srcdoc="x">',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
]

const OWN_TAGS = [
  '!doctype',
  'html',
  'head',
  'meta',
  'title',
  'style',
  'code',
  'body',
  'main',
  'h1',
  'p',
  'a',
  'ul',
  'li',
  'form',
  'input',
  'button',
]
const OWN_ATTRIBUTES = [
  'lang',
  'class',
  'charset',
  'name',
  'content',
  'href',
  'method',
  'action',
  'type',
  'value',
  'html',
]

/** Tags, attributes and links of a page that its template does not have. */
export function unexpectedMarkup(html: string, more: string[] = []): string[] {
  const tags = [...html.matchAll(/<\/?([^\s>]*)([^>]*)>/g)]
  return tags.flatMap(([tag, name = '', rest = '']) => {
    const attributes = [...rest.matchAll(/([^\s"=]+)(?:="([^"]*)")?/g)]
    const foreign = attributes.filter(
      ([, attribute = '', value = '']) =>
        !OWN_ATTRIBUTES.includes(attribute) || (attribute === 'href' && !/^(?:\/|https?:)/.test(value)),
    )
    return [...OWN_TAGS, ...more].includes(name.toLowerCase()) && foreign.length === 0 ? [] : [tag]
  })
}
