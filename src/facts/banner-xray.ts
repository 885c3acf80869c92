import type { SmtpReply } from '../smtp/session.js';
import { type BannerPart, type BannerTemplate, bannerTemplates } from './banner-templates.js';
import type { MaskedGreeting } from './mask.js';

export interface BannerReading {
  readonly product: string;
  /** The greeting as far as the mask tells: known octets, and letters such as `hh` where it does not. */
  readonly text: string;
}

export interface BannerXray {
  readonly readings: readonly BannerReading[];
  /** How many greetings were laid under the mask. */
  readonly tried: number;
  /** 2's and 0's that the mask kept. */
  readonly kept: number;
}

/** No greeting that is known here is longer. */
const MAX_OCTETS = 256;
const MIN_HOST = 3;
const MAX_HOST = 64;
/** Readings of masks kept in memory: servers greet alike within a second. */
const MAX_MEMO = 64;

/** A greeting, and the fewest and the most octets that each of its parts and all behind it can take. */
interface Laid {
  readonly template: BannerTemplate;
  readonly spans: readonly Span[];
}

interface Span {
  readonly least: number;
  readonly most: number;
}

/** Known greetings, to be laid under masked ones. They are made when a mask asks first, and readings are remembered. */
export class KnownGreetings {
  private known: readonly Laid[] | null = null;
  private readonly read = new Map<string, BannerXray>();

  /** Lays known greetings under a masked one; null when it is of several lines, too long or was replaced. */
  under(reply: SmtpReply, mask: MaskedGreeting): BannerXray | null {
    if (mask.family === 'cmap' || mask.codesKept) return null;
    const lines = reply.lines.map((line) => line.text);
    // A second line that a mask left of several begins with the 220 of its code: one that does not was folded.
    if (/^220-/.test(lines[0]!) || lines.slice(1).some((line) => line.startsWith('220'))) return null;
    const text = lines.join('').slice(4);
    if (text.length > MAX_OCTETS) return null;
    const remembered = this.read.get(text);
    if (remembered) return remembered;
    const read = this.underText(text);
    if (this.read.size >= MAX_MEMO) this.read.clear();
    this.read.set(text, read);
    return read;
  }

  /** @param text  what stands behind `220 ` */
  underText(text: string): BannerXray {
    const kept = text.replace(/[^20]/g, '').length;
    // An old mask overwrites 2 and 0 as well: where none was kept, an asterisk may hide them.
    const holds = (at: number, octet: string): boolean => {
      const seen = text[at];
      if (seen === '*') return kept === 0 || (octet !== '2' && octet !== '0');
      return seen === octet;
    };
    this.known ??= bannerTemplates().map((template) => ({ template, spans: spansOf(template.parts) }));
    const readings = this.known.flatMap((laid) => {
      const reading = layUnder(laid, text.length, holds);
      return reading === null ? [] : [{ product: laid.template.product, text: reading }];
    });
    return { readings, tried: this.known.length, kept };
  }
}

type Holds = (at: number, octet: string) => boolean;

/** The ends that a part can have when it begins at `at`, with the texts that lead there. */
function ends(part: BannerPart, at: number, length: number, holds: Holds): Map<number, string[]> {
  const found = new Map<number, string[]>();
  if (typeof part === 'object' && 'any' in part) {
    for (let end = at + 1; end <= Math.min(length, at + MAX_HOST); end++) {
      // A kept space ends a name.
      if (holds(end - 1, ' ') && !holds(end - 1, 'x')) break;
      if (end - at >= MIN_HOST) found.set(end, []);
    }
    return found;
  }
  for (const option of typeof part === 'string' ? [part] : part.options) {
    const end = at + option.length;
    if (end > length) continue;
    let fits = true;
    for (let i = 0; fits && i < option.length; i++) fits = holds(at + i, option[i]!);
    if (!fits) continue;
    const texts = found.get(end);
    if (texts) texts.push(option);
    else found.set(end, [option]);
  }
  return found;
}

function spansOf(parts: readonly BannerPart[]): Span[] {
  const found = [{ least: 0, most: 0 }];
  for (const part of [...parts].reverse()) {
    const lengths =
      typeof part === 'string'
        ? [part.length]
        : 'any' in part
          ? [MIN_HOST, MAX_HOST]
          : part.options.map((option) => option.length);
    const [after] = found;
    found.unshift({
      least: after!.least + Math.min(...lengths),
      most: after!.most + Math.max(...lengths),
    });
  }
  return found;
}

/** The template's reading, or null when it cannot lie under the mask. Each part is tried once at each place. */
function layUnder({ template, spans: rest }: Laid, length: number, holds: Holds): string | null {
  const { parts } = template;
  const roomAfter = (part: number, at: number): boolean =>
    length - at >= rest[part]!.least && length - at <= rest[part]!.most;
  if (!roomAfter(0, 0)) return null;
  const from: Map<number, Map<number, string[]>>[] = [];
  let places = new Set([0]);
  for (const [index, part] of parts.entries()) {
    const here = new Map<number, Map<number, string[]>>();
    const next = new Set<number>();
    for (const at of places) {
      const reach = ends(part, at, length, holds);
      if (reach.size === 0) continue;
      here.set(at, reach);
      for (const end of reach.keys()) if (roomAfter(index + 1, end)) next.add(end);
    }
    from.push(here);
    places = next;
    if (places.size === 0) return null;
  }
  if (!places.has(length)) return null;
  // Backwards, only what leads to the end stays.
  const words: string[] = [];
  let good = new Set([length]);
  for (let i = parts.length - 1; i >= 0; i--) {
    const starts = new Set<number>();
    const texts = new Set<string>();
    const lengths = new Set<number>();
    for (const [at, reach] of from[i]!) {
      for (const [end, options] of reach) {
        if (!good.has(end)) continue;
        starts.add(at);
        lengths.add(end - at);
        for (const option of options) texts.add(option);
      }
    }
    words.unshift(word(parts[i]!, [...texts], [...lengths]));
    good = starts;
  }
  return words.join('');
}

function word(part: BannerPart, texts: readonly string[], lengths: readonly number[]): string {
  if (typeof part === 'string') return part;
  if ('any' in part) {
    const [least, most] = [Math.min(...lengths), Math.max(...lengths)];
    const octets = least === most ? `${least}` : `${least} to ${most}`;
    return `<host of ${octets} octets>`;
  }
  if (texts.length === 1) return texts[0]!;
  if (part.show === '') return '';
  if (lengths.length > 1) return part.show;
  // Where all agree on an octet it is known.
  const wide = part.show.length === lengths[0] ? part.show : part.show[0]!.repeat(lengths[0]!);
  const shown = part.show.includes('v') ? texts[0]!.replace(/\d/g, 'v') : wide;
  return [...shown]
    .map((letter, i) => (texts.every((text) => text[i] === texts[0]![i]) ? texts[0]![i]! : letter))
    .join('');
}
