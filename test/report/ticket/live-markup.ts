/** What in a report is more than text: elements and attributes in HTML, links and macros in a tracker's page. */
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { parse, type DefaultTreeAdapterTypes as Tree } from 'parse5';
import { expect } from 'vitest';

export function* elements(node: Tree.Node): Generator<Tree.Element> {
  if ('tagName' in node) yield node;
  if ('childNodes' in node) for (const child of node.childNodes) yield* elements(child);
}

/** What this program may write, and nothing else. */
const ELEMENTS: Readonly<Record<string, readonly string[]>> = {
  html: ['lang'],
  head: [],
  meta: ['charset', 'http-equiv', 'content', 'name'],
  title: [],
  style: [],
  body: ['class'],
  header: [],
  section: ['class'],
  article: ['class'],
  footer: [],
  div: ['class'],
  h1: [],
  h2: ['class'],
  h3: [],
  p: ['class'],
  ul: ['class'],
  li: ['class'],
  dl: [],
  dt: [],
  dd: [],
  br: [],
  pre: [],
  code: [],
  mark: [],
  strong: [],
  small: [],
  span: ['class'],
  details: ['class', 'open'],
  summary: [],
  table: ['class'],
  thead: [],
  tbody: [],
  tr: ['class'],
  th: ['scope'],
  td: ['class', 'colspan', 'title'],
  svg: ['class', 'role', 'width', 'height', 'aria-label', 'aria-hidden'],
  rect: ['class', 'x', 'y', 'width', 'height'],
  line: ['class', 'x1', 'y1', 'x2', 'y2'],
};

export function foreign(text: string): string[] {
  const found: string[] = [];
  for (const { tagName, attrs } of elements(parse(text))) {
    const allowed = ELEMENTS[tagName];
    if (!allowed) found.push(`<${tagName}>`);
    for (const { name } of attrs) if (!allowed?.includes(name)) found.push(`<${tagName} ${name}>`);
  }
  return found;
}

/** Of whole text: a control, or a character that hides or reorders, that is there raw. */
export const UNSAFE_HTML = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

/** As a tracker shows it before it sanitises anything. */
export function html(text: string): string {
  return micromark(text, { extensions: [gfm()], htmlExtensions: [gfmHtml()], allowDangerousHtml: true });
}

const TAGS = new Set('strong h2 h3 p ul li table thead tbody tr th td pre code details summary'.split(' '));

/** What in the rendered page is more than text, and what of its text a tracker would make a link. */
export function liveInHtml(page: string): string[] {
  const live: string[] = [];
  for (const [tag, name = '', attributes = ''] of page.matchAll(/<\/?([a-z0-9]+)([^>]*)>/gi)) {
    const plain = attributes === '' || (name === 'code' && attributes === ' class="language-text"');
    if (!TAGS.has(name) || !plain) live.push(tag);
  }
  const text = page
    .replace(/<code[^>]*>[\s\S]*?<\/code>/g, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&');
  const found = text.match(/@\w|#\d|:\/\/|www\.|mailto:|\bGH-\d|\b[0-9a-f]{7,40}\b|:[a-z]+:|[<>$]/gi);
  return [...live, ...(found ?? [])];
}

/**
 * What in Jira's markup is neither text nor the report's own. Escapes and `{noformat}` are taken out as Atlassian's
 * renderer takes them: a backslash behind a backslash escapes nothing.
 */
export function liveInJira(text: string): string[] {
  const parts = text.split('{noformat}');
  expect(parts.length % 2, 'every {noformat} is closed').toBe(1);
  const live: string[] = [];
  for (const part of parts.filter((_, index) => index % 2 === 0)) {
    for (const line of part.split('\n')) {
      const own = line
        .replace(/^(?:h[23]\. |\* )/, '')
        .replace(/^\*(.*)\*$/, '$1')
        .replace(/^\|\|.*\|\|$|^\|.*\|$/, (row) => row.replace(/(?<!\\)\|+/g, ' '))
        .replace(/(?<!\\)\\[-#*_+?^~|%{}[\]()!@]/g, '·')
        .replace(/\{\{[^{}]*\}\}/g, '·');
      const found = own.match(
        /[{}[\]*_^~|!@]|\\\\|:\/\/|www\.|(?:mailto|file|javascript):|^h[1-6]\.|^bq\.|^-{2,}|[:;][()]|\([/yn!?*]\)|[A-Z]-\d/g,
      );
      live.push(...(found ?? []));
    }
  }
  return live;
}
