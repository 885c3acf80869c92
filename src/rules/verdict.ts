import type { Finding } from '../finding/finding.js';

/** What a rule adds to the first sentence of a report, which tells deeds first, and then what became of mail. */
export type Verdict = Deed | Consequence;

/** What a firewall did: "A firewall took STARTTLS away", "A firewall may have taken STARTTLS away". */
export interface Deed {
  readonly kind: 'deed';
  /** Place among the deeds, lowest first. */
  readonly order: number;
  readonly verb: DeedVerb;
  /** What it was done to. An object that an earlier deed has named is not named again. */
  readonly objects: readonly string[] | ((spoken: Spoken) => readonly string[]);
  /** Who did it, where "A firewall" says too little. */
  readonly who?: string;
}

export interface DeedVerb {
  /** `took` */
  readonly past: string;
  /** `taken`, behind "may have" */
  readonly participle: string;
  /** `away`, behind the objects. Deeds with one verb that has a tail become one. */
  readonly tail?: string;
}

/** What became of mail. The rule sees that it happened; who did it is another question. */
export interface Consequence {
  readonly kind: 'consequence';
  /** Place among the consequences, lowest first. */
  readonly order: number;
  /** `8-bit mail was refused` */
  readonly clause: string | ((spoken: Spoken) => string);
  /** True where the cause lies with the sender or the server, for all that the packets show. Absent: never. */
  readonly nothingLost?: (finding: Finding) => boolean;
}

/** The findings of one rule, as a sentence may speak of them. */
export interface Spoken {
  /** At least one. Their texts are raw. */
  readonly findings: readonly Finding[];
  /** The different texts of an argument, printable, each cut to what a sentence bears. */
  texts(argument: string): readonly string[];
}

export const OVERWROTE: DeedVerb = { past: 'overwrote', participle: 'overwritten' };
export const TOOK_AWAY: DeedVerb = { past: 'took', participle: 'taken', tail: 'away' };
export const ANSWERED: DeedVerb = { past: 'answered', participle: 'answered' };
export const BROKE: DeedVerb = { past: 'broke', participle: 'broken' };

/** `EHLO` and `STARTTLS`, as the argument `verb` has them; `commands` where there are more, or it is not known which. */
export function verbs({ findings, texts }: Spoken): readonly string[] {
  const named = texts('verb');
  if (named.length > 0 && named.length <= 3) return named;
  return [findings.length === 1 ? 'a command' : 'commands'];
}
