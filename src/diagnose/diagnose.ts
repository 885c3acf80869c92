import type { Confidence, Finding } from '../rules/finding.js';
import type { Diagnosis } from './diagnosis.js';
import { SYMPTOMS } from './symptoms.js';
import { verifyCommands } from './verify.js';

interface Candidate {
  readonly speaks: (finding: Finding) => boolean;
  /** How many findings must speak; default 1. */
  readonly least?: number;
  readonly device: Diagnosis['device'];
  readonly confidence: Confidence;
  readonly reason: string;
  readonly notProved: readonly string[];
}

/** Up to 4.1 the feature is `mailhost`, from 4.2 on `fixup protocol smtp`. */
const OLD_PIX = { vendor: 'Cisco', product: 'PIX', feature: 'Mailguard (mailhost or fixup protocol smtp)' };
const CISCO_SMTP = { vendor: 'Cisco', product: 'PIX', feature: 'fixup protocol smtp (Mailguard)' };
const NO_VERSION = 'The release: these marks are those of many releases.';
const INNER = 'Whether the box stands at the server or on the way to it.';

/** Most telling first; the first row that speaks decides. */
const CANDIDATES: readonly Candidate[] = [
  {
    speaks: ({ rule, args }) => rule === 'banner-masked' && args.family === 'cmap',
    device: { ...OLD_PIX, versions: null },
    confidence: 'likely',
    reason: 'the greeting is the text that old releases write over it',
    notProved: ['The exact release.', INNER],
  },
  {
    speaks: ({ rule, args }) => rule === 'verb-swallowed' && args.reply === 'OK',
    device: { ...OLD_PIX, versions: '4.0 to 4.4' },
    confidence: 'likely',
    reason: 'commands are answered by a bare OK without a reply code',
    notProved: ['The exact release.', INNER],
  },
  {
    speaks: ({ rule, args }) => rule === 'capability-masked' && typeof args.letter === 'string',
    least: 2,
    device: { vendor: 'Cisco', product: 'ASA or PIX 7 and later', feature: 'inspect esmtp', versions: null },
    confidence: 'likely',
    reason: 'keywords are X’s of the same length with letters that count down the reply',
    notProved: [
      NO_VERSION,
      INNER,
      'That the letters are this product’s alone: no text of the vendor says so.',
    ],
  },
  {
    speaks: ({ rule, args }) =>
      rule === 'verb-swallowed' && typeof args.reply === 'string' && args.reply.startsWith('250'),
    device: { ...CISCO_SMTP, versions: null },
    confidence: 'possible',
    reason: 'EHLO is answered as NOOP would be',
    notProved: ['That EHLO became NOOP: only a capture behind the box shows it.', NO_VERSION, INNER],
  },
  {
    speaks: ({ rule, args }) => rule === 'banner-masked' && args.family === 'keep-2-0',
    device: { vendor: 'Cisco', product: 'PIX, ASA or FWSM', feature: 'SMTP inspection', versions: null },
    confidence: 'likely',
    reason: 'the greeting is stars that spare the digits 2 and 0',
    notProved: ['Which of these products.', NO_VERSION, INNER],
  },
  {
    speaks: ({ rule, args }) => rule === 'banner-masked' && args.family === 'all-stars',
    device: { vendor: 'Cisco', product: 'PIX, ASA or FWSM', feature: 'SMTP inspection', versions: null },
    confidence: 'possible',
    reason: 'the greeting is stars; its text may have held no 2 and no 0',
    notProved: ['Which of these products, or whether it is one of them.', NO_VERSION, INNER],
  },
  {
    speaks: ({ rule }) => rule === 'verb-masked' || rule === 'capability-masked',
    device: {
      vendor: 'unknown',
      product: 'an editor that keeps lengths',
      feature: 'SMTP inspection',
      versions: null,
    },
    confidence: 'possible',
    reason: 'X’s stand where a command or keyword was; Cisco’s inspections do so, others may',
    notProved: ['Which product it is.', 'Whether an appliance or an attacker did it.', INNER],
  },
];

/** From the name that `banner-proxy` gives. */
const PROXIES: readonly { readonly name: RegExp; readonly vendor: string; readonly feature: string }[] = [
  { name: /^Check Point /, vendor: 'Check Point', feature: 'SMTP security server' },
  { name: /^WatchGuard /, vendor: 'WatchGuard', feature: 'SMTP proxy' },
  { name: /^(Raptor|Symantec) /, vendor: 'Symantec', feature: 'SMTP proxy' },
  { name: /^avast! /, vendor: 'avast!', feature: 'SMTP proxy of the virus scanner' },
];

/**
 * One diagnosis for each server whose findings are marks of a box, in the order of the findings.
 *
 * Lost keywords, copies and refusals alone name no box: they give none.
 */
export function diagnose(findings: readonly Finding[]): Diagnosis[] {
  const servers = new Map<string, Finding[]>();
  for (const finding of findings) {
    const key = `${finding.server.address} ${finding.server.port}`;
    const list = servers.get(key);
    if (list) list.push(finding);
    else servers.set(key, [finding]);
  }
  return [...servers.values()].flatMap((list) => proxy(list) ?? editor(list) ?? []);
}

function editor(findings: readonly Finding[]): Diagnosis | null {
  for (const { speaks, least = 1, device, confidence, reason, notProved } of CANDIDATES) {
    const speaking = findings.filter(speaks);
    if (speaking.length < least) continue;
    const who = device.vendor === 'unknown' ? device.product : `${device.vendor} ${device.product}`;
    const fits = confidence === 'likely' ? 'This fits' : 'This may be';
    return {
      server: findings[0]!.server,
      device,
      confidence: speaking.every((finding) => finding.confidence === 'possible') ? 'possible' : confidence,
      summary: `${fits} ${who}, ${device.feature}: ${reason}.`,
      because: speaking.map(({ id }) => id),
      smallestChange: smallestChange(findings, device),
      notProved,
      verify: verifyCommands(device, findings[0]!.server),
      symptoms: symptomsOf(findings),
    };
  }
  return null;
}

function proxy(findings: readonly Finding[]): Diagnosis | null {
  const speaking = findings.filter(({ rule }) => rule === 'banner-proxy');
  const product = speaking[0]?.args.product;
  if (typeof product !== 'string') return null;
  const known = PROXIES.find(({ name }) => name.test(product));
  return {
    server: findings[0]!.server,
    device: {
      vendor: known?.vendor ?? 'unknown',
      product,
      feature: known?.feature ?? 'SMTP proxy',
      versions: null,
    },
    confidence: speaking[0]!.confidence === 'possible' ? 'possible' : 'likely',
    summary: `A proxy answers in place of the server: its greeting is that of ${product}.`,
    because: speaking.map(({ id }) => id),
    smallestChange: [],
    notProved: ['What the server behind the proxy would say.', 'The release of the proxy.'],
    verify: [],
    symptoms: symptomsOf(findings),
  };
}

/** In the order of the article. */
function symptomsOf(findings: readonly Finding[]): string[] {
  const named = new Set(findings.flatMap(({ symptoms }) => symptoms));
  return SYMPTOMS.map(({ id }) => id).filter((id) => named.has(id));
}

/** The least that covers what was seen; nothing where the box is not known. */
function smallestChange(findings: readonly Finding[], { vendor, product }: Diagnosis['device']): string[] {
  if (vendor !== 'Cisco') return [];
  const rules = new Set(findings.filter(({ severity }) => severity !== 'info').map(({ rule }) => rule));
  if (product === 'PIX') {
    return [
      '`no fixup protocol smtp 25` (4.2 and later): no SMTP command is inspected any more, for any server behind the box.',
    ];
  }
  if (product !== 'ASA or PIX 7 and later') {
    return [
      'On a PIX up to 6.x `no fixup protocol smtp 25`, otherwise a class without SMTP inspection for this server: its commands are then not inspected.',
    ];
  }
  const more = [...rules].filter(
    (rule) => !['banner-masked', 'capability-masked', 'starttls-stripped'].includes(rule),
  );
  if (more.length > 0) {
    return ['A class without `inspect esmtp` for this server: its commands are then not inspected.'];
  }
  return [
    ...(rules.has('starttls-stripped')
      ? ['`allow-tls` in the inspection’s parameters: what is encrypted is then not inspected.']
      : [
          'No `mask` for `match ehlo-reply-parameter others`: keywords are then offered whose commands the inspection may still spoil.',
        ]),
    ...(rules.has('banner-masked')
      ? ['`no mask-banner`, only if the greeting is to be seen: it shows which server and release this is.']
      : []),
  ];
}
