import type { Confidence } from '../rules/finding.js';

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
  /** Each with its cost in security. */
  readonly smallestChange: readonly string[];
  readonly notProved: readonly string[];
  /** Commands to check it on the box; empty where none are known. */
  readonly verify: readonly string[];
  /** What of KB 320027 it explains: `kb320027/4`. */
  readonly symptoms: readonly string[];
}
