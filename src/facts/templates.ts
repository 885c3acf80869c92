import type { Extension, SmtpSession } from '../smtp/session.js';
import { EHLO_TEMPLATES, type EhloTemplate } from './ehlo-templates.js';
import { factsOf } from './session-facts.js';

/** A keyword line of an EHLO reply that was overwritten in place. */
export interface MaskedKeyword {
  readonly extension: Extension;
  /** Octets of the hidden line: masks keep the length. */
  readonly octets: number;
  /** A, B, C, .. of the ASA's count; null for X's alone. */
  readonly letter: string | null;
  /** Known keyword lines of that length; where a known server's order fits, those that it leaves. */
  readonly candidates: readonly string[];
  /** What order and lengths of a known server leave as the only reading; null when they do not. */
  readonly name: string | null;
  /** The servers whose replies fit. */
  readonly fits: readonly string[];
  /** How many servers' replies were tried: none where too few lines are clear. */
  readonly tried: number;
  /** What its length alone would allow besides `candidates`. */
  readonly byLength: readonly string[];
}

/** Keyword lines that servers are known to print without parameters of their own choosing. */
const KNOWN_LINES: readonly string[] = [
  '8BITMIME',
  'ATRN',
  'AUTH=LOGIN',
  'BINARYMIME',
  'BURL',
  'CHECKPOINT',
  'CHUNKING',
  'CONNEG',
  'CONPERM',
  'DELIVERBY',
  'DSN',
  'ENHANCEDSTATUSCODES',
  'ETRN',
  'EXPN',
  'FUTURERELEASE',
  'HELP',
  'MT-PRIORITY',
  'MTRK',
  'NO-SOLICITING',
  'OK',
  'ONEX',
  'PIPELINING',
  'PRDR',
  'REQUIRETLS',
  'RRVS',
  'RSET',
  'SAML',
  'SEND',
  'SIZE',
  'SMTPUTF8',
  'SOML',
  'STARTTLS',
  'SUBMITTER',
  'TURN',
  'VERB',
  'VRFY',
  'X-ANONYMOUSTLS',
  'X-EXPS=LOGIN',
  'X-EXPS GSSAPI NTLM LOGIN',
  'X-EXPS GSSAPI NTLM',
  'X-LINK2STATE',
  'X-RCPTLIMIT',
  'XADR',
  'XCLIENT',
  'XEXCH50',
  'XFORWARD',
  'XRDST',
  'XUSR',
];

/** Fewer clear lines fit nearly any server. */
const MIN_CLEAR = 3;

/** The masked lines of the session's last EHLO reply. */
export function sessionKeywords(session: SmtpSession): readonly MaskedKeyword[] {
  const facts = factsOf(session);
  facts.maskedKeywords ??= maskedKeywords(session.extensions);
  return facts.maskedKeywords;
}

const NO_KEYWORDS: readonly MaskedKeyword[] = [];

/** The masked lines of an EHLO reply, in order, as far as order and lengths tell what they hid. */
export function maskedKeywords(extensions: readonly Extension[]): readonly MaskedKeyword[] {
  if (!extensions.some(({ text }) => text.length === 1 || text.startsWith('X'))) return NO_KEYWORDS;
  const letters = lettered(extensions);
  const masked = new Map<Extension, string | null>();
  for (const extension of extensions) {
    const letter = letters.get(extension);
    if (letter !== undefined) masked.set(extension, letter);
    else if (/^X{4,}$/.test(extension.text)) masked.set(extension, null);
  }
  if (masked.size === 0) return NO_KEYWORDS;
  const tried = extensions.length - masked.size < MIN_CLEAR ? [] : EHLO_TEMPLATES;
  const readings = tried.map((template) => ({
    template,
    names: align(template, extensions, masked),
  }));
  const fitting = readings.filter((reading) => reading.names !== null);
  return [...masked].map(([extension, letter]) => {
    const names = new Set(fitting.flatMap((reading) => [...(reading.names!.get(extension) ?? [])]));
    const octets = extension.text.length;
    const ofThatLength = KNOWN_LINES.filter((line) => line.length === octets);
    return {
      extension,
      octets,
      letter,
      candidates: names.size > 0 ? [...names] : ofThatLength,
      name: names.size === 1 ? [...names][0]! : null,
      fits: fitting.map((reading) => reading.template.server),
      tried: tried.length,
      byLength: names.size > 0 ? ofThatLength.filter((line) => !names.has(line)) : [],
    };
  });
}

/** `XXXA`, `XXXXXXXB`, ..: X's and a letter that counts from A, none skipped. */
function lettered(extensions: readonly Extension[]): Map<Extension, string> {
  const found = new Map<Extension, string>();
  for (const extension of extensions) {
    if (!/^X*[A-Z]$/.test(extension.text)) continue;
    const match = /([A-Z])$/.exec(extension.text);
    if (match?.[1] === String.fromCharCode(65 + found.size)) found.set(extension, match[1]!);
  }
  const [first] = found.keys();
  // A single letter of its own counts as a mask only within a sequence.
  return found.size > 1 || (first !== undefined && first.text.length >= 4) ? found : new Map();
}

/** The shortest line that a template with parameters stands for: no mechanism of AUTH is shorter than NTLM. */
function shortest(line: string): number {
  return line.startsWith('AUTH') ? 'AUTH NTLM'.length : line.length - 1;
}

/**
 * Lays the lines over a template: clear lines must be where it has them, masked ones must have its lengths.
 *
 * @returns for each masked line the template lines that it can be; null when the template does not fit
 */
function align(
  template: EhloTemplate,
  extensions: readonly Extension[],
  masked: ReadonlyMap<Extension, string | null>,
): Map<Extension, Set<string>> | null {
  const n = extensions.length;
  const m = template.lines.length;
  if (n > m || (template.whole && n !== m)) return null;
  const fits = (i: number, j: number): boolean => {
    const line = template.lines[j]!;
    const open = line.endsWith('*');
    const extension = extensions[i]!;
    if (masked.has(extension)) {
      return open ? extension.text.length >= shortest(line) : extension.text.length === line.length;
    }
    const keyword = line.replace('*', '').split(' ')[0]!;
    return open && keyword.endsWith('=')
      ? extension.keyword.startsWith(keyword)
      : extension.keyword === keyword;
  };
  // forward[i][j]: the first i lines fit within the template's first j.
  const table = (lies: (i: number, j: number) => boolean): boolean[][] => {
    const reach = Array.from({ length: n + 1 }, () => new Array<boolean>(m + 1).fill(false));
    for (let i = 0; i <= n; i++) {
      for (let j = i; j <= m; j++) {
        reach[i]![j] =
          i === 0 || (j > i && reach[i]![j - 1]!) || (j > 0 && reach[i - 1]![j - 1]! && lies(i - 1, j - 1));
      }
    }
    return reach;
  };
  const forward = table(fits);
  if (!forward[n]![m]) return null;
  const backward = table((i, j) => fits(n - 1 - i, m - 1 - j));
  const names = new Map<Extension, Set<string>>();
  for (let i = 0; i < n; i++) {
    if (!masked.has(extensions[i]!)) continue;
    const options = new Set<string>();
    for (let j = 0; j < m; j++) {
      if (fits(i, j) && forward[i]![j] && backward[n - 1 - i]![m - 1 - j]) {
        options.add(template.lines[j]!.replace('*', ''));
      }
    }
    names.set(extensions[i]!, options);
  }
  return names;
}
