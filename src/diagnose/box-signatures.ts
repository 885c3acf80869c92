import type { Confidence, Finding } from '../finding/finding.js';
import type { BoxId, Bracket } from './boxes.js';

/** A trait of a box that findings show. */
export interface Mark {
  readonly speaks: (finding: Finding) => boolean;
  /** How many findings must speak; default 1. */
  readonly least?: number;
  /** Which boxes leave it. */
  readonly boxes: readonly BoxId[];
  /** Releases of PIX that do; null: not known to differ. */
  readonly releases: Bracket | null;
  /** What it is worth by itself. `supports`: names no box, but fits beside others. */
  readonly worth: Confidence | 'supports';
  /** Completes "This fits ..: ". */
  readonly says: string;
  /** Where it was read. */
  readonly source: string;
  /** What it leaves unproved, by the best confidence of its findings; null: nothing. */
  readonly doubt?: (confidence: Confidence) => string | null;
  /** No server and no attacker would do it so. */
  readonly appliance: boolean;
}

const FROM_5_1: Bracket = [4, 6];
const UP_TO_6: Bracket = [0, 5];
const CISCO: readonly BoxId[] = ['mailhost', 'fixup', 'fwsm', 'esmtp'];
const WITHOUT_EHLO: readonly BoxId[] = ['mailhost', 'fixup', 'fwsm', 'ios', 'editor'];

/** Most telling first. */
export const MARKS: readonly Mark[] = [
  {
    speaks: ({ rule, args }) => rule === 'banner-masked' && args.family === 'cmap',
    boxes: ['mailhost'],
    releases: [0, 3],
    worth: 'likely',
    says: 'the greeting is the text that old releases write over it',
    source: 'KB 320027',
    appliance: true,
  },
  {
    speaks: ({ rule, args }) => rule === 'verb-swallowed' && args.reply === 'OK',
    boxes: ['mailhost'],
    releases: [0, 3],
    worth: 'likely',
    says: 'commands are answered by a bare OK without a reply code',
    source: 'KB 320027; Cisco document 4733',
    appliance: true,
  },
  {
    speaks: ({ rule }) => rule === 'reply-spoofed',
    boxes: ['mailhost'],
    releases: [0, 3],
    worth: 'supports',
    says: 'the packets of some replies are not the server’s: the box answers by itself',
    source: 'Cisco document 4733',
    appliance: false,
  },
  {
    speaks: ({ rule, args }) => rule === 'capability-masked' && typeof args.letter === 'string',
    least: 2,
    boxes: ['esmtp'],
    releases: [6, 6],
    worth: 'likely',
    says: 'keywords are X’s of the same length with letters that count down the reply',
    source: 'published captures of such replies; no text of the vendor',
    doubt: () => 'That the letters are this product’s alone: no text of the vendor says so.',
    appliance: true,
  },
  {
    speaks: ({ rule, args }) =>
      rule === 'verb-swallowed' &&
      args.spoofed !== true &&
      typeof args.reply === 'string' &&
      args.reply.startsWith('250'),
    boxes: ['fixup'],
    releases: [4, 5],
    worth: 'likely',
    says: 'EHLO is answered as NOOP would be',
    source: 'Cisco community document 3129202',
    doubt: () => 'That EHLO became NOOP: only a capture behind the box shows it.',
    appliance: true,
  },
  {
    speaks: ({ rule, args }) =>
      (rule === 'verb-masked' && args.verb === 'EHLO') ||
      (rule === 'ehlo-rejected' && args.witness !== 'other-session'),
    boxes: WITHOUT_EHLO,
    releases: UP_TO_6,
    worth: 'supports',
    says: 'EHLO does not arrive, which the inspections of 7.0 and later pass',
    source: 'Cisco community documents 3129202 and 3131240',
    doubt: (confidence) =>
      confidence === 'certain'
        ? null
        : 'That EHLO was spoiled and not refused by a server without ESMTP, which would leave ASA possible.',
    appliance: false,
  },
  {
    speaks: ({ rule, args }) =>
      rule === 'verb-masked' &&
      args.seenAt === 'server' &&
      !isVerbLength(args.octets) &&
      args.octets === args.verbOctets,
    boxes: ['esmtp', 'editor'],
    releases: null,
    worth: 'possible',
    says: 'a whole command line, argument and all, is X’s',
    source: 'Cisco ASA 5500 configuration guide, ESMTP inspection',
    appliance: false,
  },
  {
    speaks: ({ rule, args }) =>
      rule === 'verb-masked' && args.seenAt === 'server' && args.verbOctets !== args.octets,
    boxes: WITHOUT_EHLO,
    releases: UP_TO_6,
    worth: 'possible',
    says: 'X’s stand in place of a verb, and its argument is clear',
    source: 'Cisco document 69309; Exim FAQ Q0078',
    appliance: false,
  },
  {
    speaks: ({ rule, args }) => rule === 'banner-masked' && args.family === 'keep-2-0',
    boxes: CISCO,
    releases: FROM_5_1,
    worth: 'likely',
    says: 'the greeting is stars that spare the digits 2 and 0',
    source: 'KB 320027; Cisco ASA 5500 configuration guide, ESMTP inspection',
    appliance: true,
  },
  {
    speaks: ({ rule, args }) => rule === 'banner-masked' && args.family === 'all-stars',
    boxes: CISCO,
    releases: null,
    worth: 'possible',
    says: 'the greeting is stars; its text may have held no 2 and no 0',
    source: 'KB 320027',
    appliance: false,
  },
  {
    speaks: ({ rule }) => rule === 'inspection-limit',
    boxes: ['esmtp'],
    releases: [6, 6],
    worth: 'possible',
    says: 'the connection ends where a limit of the default inspection map is crossed',
    source: 'Cisco ASA default map `_default_esmtp_map`',
    appliance: false,
  },
  {
    speaks: ({ rule }) => rule === 'verb-masked' || rule === 'capability-masked',
    boxes: [...CISCO, 'ios', 'editor'],
    releases: null,
    worth: 'possible',
    says: 'X’s stand where a command or keyword was; Cisco’s inspections do so, others may',
    source: 'Cisco document 69309',
    appliance: false,
  },
  {
    speaks: ({ rule }) => rule === 'capability-removed',
    boxes: ['rewriter'],
    releases: null,
    worth: 'possible',
    says: 'some clients do not get keyword lines that others get',
    source: 'F-Secure Internet Gatekeeper manual; D-Link DFL log reference',
    appliance: false,
  },
  {
    speaks: ({ rule }) => rule === 'sack-impossible',
    boxes: ['mailhost', 'fixup', 'fwsm', 'esmtp', 'editor'],
    releases: null,
    worth: 'supports',
    says: 'sequence numbers are rewritten while SACK blocks are not',
    source: 'Cisco community document 3116739',
    appliance: false,
  },
  {
    speaks: ({ rule }) => rule === 'segment-over-mss',
    boxes: ['esmtp', 'editor', 'rewriter'],
    releases: [6, 6],
    worth: 'supports',
    says: 'segments beyond the MSS are dropped, as PIX and ASA do from 7.0 on',
    source: 'Cisco document 65436',
    appliance: false,
  },
  {
    speaks: ({ rule }) => rule === 'end-of-data-split',
    boxes: ['mailhost', 'fixup', 'fwsm', 'esmtp', 'editor', 'rewriter'],
    releases: null,
    worth: 'supports',
    says: 'messages whose end is split over segments fail, as before the fix of CSCds90792',
    source: 'KB 295725',
    appliance: false,
  },
];

/** EHLO, X-EXPS, XEXCH50, STARTTLS, X-LINK2STATE: so many X's may be a verb alone. */
function isVerbLength(octets: Finding['args'][string] | undefined): boolean {
  return typeof octets === 'number' && [4, 6, 7, 8, 12].includes(octets);
}
