import type { Confidence, Proof } from '../finding/finding.js';

/** What one trait of the box rests on. */
export interface Proved {
  /** `the greeting is stars that spare the digits 2 and 0` */
  readonly what: string;
  readonly proof: Proof;
  readonly findings: readonly string[];
  /** Where it is written that this box does so. */
  readonly source: string;
}

/** Does what was done look like an appliance’s doing? Attackers are seldom so thorough, and appliances never so selective. */
export interface Actor {
  readonly kind: 'appliance' | 'undecided';
  readonly why: string;
}

/** Lines for the command line of the box, and what they cost in security. */
export interface Fix {
  readonly lines: readonly string[];
  /** What stands in them for a name of the configuration; null: nothing does. */
  readonly placeholder: string | null;
  readonly costs: readonly string[];
}

/** Which box and feature explains the findings of one server. */
export interface Diagnosis {
  readonly server: { readonly address: string; readonly port: number };
  readonly device: {
    readonly vendor: string;
    readonly product: string;
    readonly feature: string;
    /** null: the findings do not say. */
    readonly versions: string | null;
  };
  readonly confidence: Confidence;
  readonly summary: string;
  /** Ids of the findings that say so. */
  readonly because: readonly string[];
  readonly proved: readonly Proved[];
  /** Boxes that cannot have done it, each with the reason. */
  readonly ruledOut: readonly string[];
  readonly actor: Actor;
  /** Each with its cost in security. */
  readonly smallestChange: readonly string[];
  /** The same as lines to paste; null: what is to be written depends on the configuration of the box. */
  readonly fix: Fix | null;
  readonly notProved: readonly string[];
  /** Commands to check it on the box; empty where none are known. */
  readonly verify: readonly string[];
  /** What of KB 320027 it explains: `kb320027/4`. */
  readonly symptoms: readonly string[];
}
