import { printableText } from '../printable.js';

/** HTML that is ours. Made by `html` and `verbatim` only, so that text cannot become markup by being forgotten. */
export class Markup {
  private constructor(readonly text: string) {}

  /** For `html` and `verbatim`. */
  static made(text: string): Markup {
    return new Markup(text);
  }
}

export type Content = Markup | string | number | null | readonly Content[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Text in elements and in quoted attributes: nothing live, no control and nothing invisible is left in it.
 *
 * Octets of packets are made printable as octets first (`printableOctets`); what is printable stays as it is here.
 */
function escaped(text: string): string {
  return printableText(text).replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}

/** A template of which every value is escaped, unless it is Markup. */
export function html(template: TemplateStringsArray, ...values: readonly Content[]): Markup {
  let text = template[0]!;
  for (const [index, value] of values.entries()) text += written(value) + template[index + 1]!;
  return Markup.made(text);
}

/** For text of this program that is no HTML, such as the style sheet. Never for anything that was read. */
export function verbatim(text: string): Markup {
  return Markup.made(text);
}

/** Between the items stands a separator that is escaped as they are. */
export function separated(items: readonly Content[], separator: Content): Content[] {
  return items.flatMap((item, index) => (index === 0 ? [item] : [separator, item]));
}

function written(value: Content): string {
  if (value === null) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'string') return escaped(value);
  if (typeof value === 'number') return String(value);
  return value.map(written).join('');
}
