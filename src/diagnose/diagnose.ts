import { serverKey } from '../facts/server-key.js';
import { type Confidence, compareConfidence, type Finding, type Proof } from '../finding/finding.js';
import type { RuleMeta } from '../rules/rule-meta.js';
import { MARKS, type Mark } from './box-signatures.js';
import { BOXES, type Box, type BoxId, type Bracket, nameOf, RELEASES, releaseText } from './boxes.js';
import type { Actor, Diagnosis, Proved } from './diagnosis.js';
import { proxyOf } from './proxies.js';
import { fixOf, smallestChange } from './smallest-change.js';
import { SYMPTOMS } from './symptoms.js';
import { verifyCommands } from './verify.js';

/** A mark and the findings that show it. */
interface Shown {
  readonly mark: Mark;
  readonly findings: readonly Finding[];
}

const PROOFS: readonly Proof[] = ['octets', 'contrast', 'fits-only', 'fits-among'];
const EVERY_RELEASE: Bracket = [0, RELEASES.length - 1];

const NO_VERSION = 'The release: these marks are those of many releases.';
const INNER = 'Whether the box stands at the server or on the way to it.';

/**
 * What boxes explain the findings of each server, in the order of the findings.
 *
 * @param rules  those that found them
 *
 * Marks that no single box leaves give several diagnoses: boxes in series. Lost keywords, copies and refusals alone name
 * no box: they give none.
 */
export function diagnose(findings: readonly Finding[], rules: readonly RuleMeta[]): Diagnosis[] {
  const servers = new Map<string, Finding[]>();
  for (const finding of findings) {
    const key = serverKey(finding.server);
    const list = servers.get(key);
    if (list) list.push(finding);
    else servers.set(key, [finding]);
  }
  return [...servers.values()].flatMap((list) => {
    const speaking = list.filter(namesBox);
    const proxy = proxyOf(speaking, rules);
    const editors = inSeries(shownMarks(speaking));
    const several = editors.length + (proxy ? 1 : 0) > 1;
    return [
      ...(proxy ? [proxyDiagnosis(list, proxy.speaking, proxy.box, several)] : []),
      ...editors.map((shown) => editorDiagnosis(list, shown, several, rules)),
    ];
  });
}

/** What other things explain as well, and what harmed nobody, names no box. */
function namesBox({ confidence, severity }: Finding): boolean {
  return confidence !== 'possible' && severity !== 'info';
}

/** Each finding shows the first mark that it speaks for, and those that only support. */
function shownMarks(findings: readonly Finding[]): Shown[] {
  const taken = new Set<Finding>();
  const shown: Shown[] = [];
  for (const mark of MARKS) {
    const speaking = findings.filter((finding) => mark.speaks(finding) && !taken.has(finding));
    if (speaking.length < (mark.least ?? 1)) continue;
    shown.push({ mark, findings: speaking });
    if (mark.worth !== 'supports') for (const finding of speaking) taken.add(finding);
  }
  return shown;
}

/** Groups of marks that one box can leave; those that name no box by themselves make no group. */
function inSeries(shown: readonly Shown[]): Shown[][] {
  const groups: Shown[][] = [];
  for (const one of shown.filter(({ mark }) => mark.worth !== 'supports')) {
    const group = groups.find((others) => possible([...others, one]).length > 0);
    if (group) group.push(one);
    else groups.push([one]);
  }
  for (const one of shown.filter(({ mark }) => mark.worth === 'supports')) {
    groups.find((others) => possible([...others, one]).length > 0)?.push(one);
  }
  return groups;
}

function possible(shown: readonly Shown[]): BoxId[] {
  const [first, ...others] = shown;
  return (first?.mark.boxes ?? []).filter((id) => others.every(({ mark }) => mark.boxes.includes(id)));
}

function editorDiagnosis(
  findings: readonly Finding[],
  shown: readonly Shown[],
  several: boolean,
  rules: readonly RuleMeta[],
): Diagnosis {
  const ids = possible(shown);
  const box = nameOf(ids);
  const versions = versionsOf(box, shown);
  const device = { vendor: box.vendor, product: box.product, feature: box.feature, versions };
  const naming = shown.filter(({ mark }) => mark.worth !== 'supports');
  const confidence = naming
    .map(({ mark, findings: speaking }) => weaker(mark.worth as Confidence, best(speaking)))
    .sort(compareConfidence)[0]!;
  const who = box.vendor === 'unknown' ? box.product : `${box.vendor} ${box.product}`;
  const release = versions === null ? '' : ` (release ${versions})`;
  const fits = confidence === 'possible' ? 'This may be' : 'This fits';
  const { server } = findings[0]!;
  return {
    server,
    device,
    confidence,
    summary: `${fits} ${who}${release}, ${box.feature}: ${shown[0]!.mark.says}.`,
    because: [...new Set(shown.flatMap((one) => one.findings.map(({ id }) => id)))],
    proved: shown.map(proved),
    ruledOut: ruledOut(ids, shown),
    actor: actorOf(shown),
    smallestChange: smallestChange(findings, box, rules),
    fix: fixOf(findings, box, rules),
    notProved: [...doubts(box, ids, versions, shown), ...(several ? [SERIES] : [])],
    verify: verifyCommands(device, server),
    symptoms: symptomsOf(findings),
  };
}

const SERIES = 'In which order the boxes stand: no single one is known to leave all of these marks.';

function proxyDiagnosis(
  findings: readonly Finding[],
  speaking: readonly Finding[],
  box: Box,
  several: boolean,
): Diagnosis {
  const { server } = findings[0]!;
  const says = `its greeting is that of ${box.product}`;
  return {
    server,
    device: { vendor: box.vendor, product: box.product, feature: box.feature, versions: null },
    confidence: best(speaking) === 'possible' ? 'possible' : 'likely',
    summary: `A proxy answers in place of the server: ${says}.`,
    because: speaking.map(({ id }) => id),
    proved: [
      {
        what: says,
        proof: proofOf(speaking),
        findings: speaking.map(({ id }) => id),
        source: 'nmap service probes',
      },
    ],
    ruledOut: several
      ? []
      : ['An inspection that edits in place (PIX, FWSM, ASA): the greeting is not masked but another text.'],
    actor: { kind: 'appliance', why: 'It greets by its own name.' },
    smallestChange: [],
    fix: null,
    notProved: [
      'What the server behind the proxy would say.',
      'The release of the proxy.',
      ...(several ? [SERIES] : []),
    ],
    verify: [],
    symptoms: symptomsOf(findings),
  };
}

function proved({ mark, findings }: Shown): Proved {
  return {
    what: mark.says,
    proof: proofOf(findings),
    findings: findings.map(({ id }) => id),
    source: mark.source,
  };
}

/** Boxes that are not known to leave some mark, those of one reason together. What is possible at all is not ruled out. */
function ruledOut(ids: readonly BoxId[], shown: readonly Shown[]): string[] {
  if (ids[0] === 'rewriter') return [];
  const excluded = new Map<Shown, string[]>();
  for (const id of Object.keys(BOXES) as BoxId[]) {
    if (ids.includes(id) || id === 'editor') continue;
    const against = shown.find(({ mark }) => !mark.boxes.includes(id));
    if (!against) continue;
    const name = NAMES[id] ?? `${BOXES[id].vendor} ${BOXES[id].product}`;
    excluded.set(against, [...(excluded.get(against) ?? []), name]);
  }
  return [...excluded].map(
    ([{ mark, findings }, names]) =>
      `${capital(names.join(', '))}: not known to do this: ${mark.says} (${list(findings)}).`,
  );
}

/** Two of the boxes are one product. */
const NAMES: { readonly [id in BoxId]?: string } = {
  mailhost: 'Cisco PIX up to 4.4',
  fixup: 'Cisco PIX 5.1 to 6.x',
  rewriter: 'a proxy that rewrites',
};

function actorOf(shown: readonly Shown[]): Actor {
  return shown.some(({ mark }) => mark.appliance)
    ? {
        kind: 'appliance',
        why: 'An attacker would strip only STARTTLS; letters that count, digits that are kept and texts of its own are what a firewall leaves.',
      }
    : {
        kind: 'undecided',
        why: 'There are no letters that count, no digits that are kept, no text of a known firewall: an attacker who wants mail in clear text could do the same.',
      };
}

function versionsOf(box: Box, shown: readonly Shown[]): string | null {
  if (box.releases === null) return null;
  let [first, last] = box.releases;
  for (const { mark } of shown) {
    const [from, to] = mark.releases ?? EVERY_RELEASE;
    first = Math.max(first, from);
    last = Math.min(last, to);
  }
  // The product's own name says as much.
  if (first > last || (first === box.releases[0] && last === box.releases[1] && box !== BOXES.mailhost))
    return null;
  const text = releaseText([first, last]);
  return text !== null && box.product !== 'PIX' ? `PIX ${text}` : text;
}

function doubts(box: Box, ids: readonly BoxId[], versions: string | null, shown: readonly Shown[]): string[] {
  return [
    ...(box.vendor === 'unknown' ? [whichProduct(ids)] : []),
    ...(/,| or /.test(box.product) && box !== BOXES.esmtp ? ['Which of these products.'] : []),
    ...(box.vendor !== 'unknown' && versions === null ? [NO_VERSION] : []),
    ...(versions !== null ? ['The exact release.'] : []),
    ...shown.flatMap(({ mark, findings }) => mark.doubt?.(best(findings)) ?? []),
    ...(box === BOXES.rewriter ? ['That one server answers: behind one address there may be several.'] : []),
    INNER,
  ];
}

function whichProduct(ids: readonly BoxId[]): string {
  const known = ids.filter((id) => BOXES[id].vendor !== 'unknown');
  if (known.length === 0) return 'Which product it is.';
  const { vendor, product } = nameOf(known);
  return `Which product it is; of those known here ${vendor} ${product}.`;
}

/** In the order of the article. */
function symptomsOf(findings: readonly Finding[]): string[] {
  const named = new Set(findings.flatMap(({ symptoms }) => symptoms));
  return SYMPTOMS.map(({ id }) => id).filter((id) => named.has(id));
}

function best(findings: readonly Finding[]): Confidence {
  return findings.map(({ confidence }) => confidence).sort(compareConfidence)[0]!;
}

function weaker(a: Confidence, b: Confidence): Confidence {
  return compareConfidence(a, b) > 0 ? a : b;
}

function proofOf(findings: readonly Finding[]): Proof {
  return findings.map(({ proof }) => proof).sort((a, b) => PROOFS.indexOf(a) - PROOFS.indexOf(b))[0]!;
}

function list(findings: readonly Finding[]): string {
  return findings
    .slice(0, 3)
    .map(({ id }) => id)
    .join(', ');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
