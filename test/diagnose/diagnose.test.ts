import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/analyze.js';
import { diagnose as diagnoseBy } from '../../src/diagnose/diagnose.js';
import { SYMPTOMS } from '../../src/diagnose/symptoms.js';
import { verifyCommands } from '../../src/diagnose/verify.js';
import type { Finding } from '../../src/finding/finding.js';
import { catalog } from '../../src/rules/catalog.js';

const FOLDER = fileURLToPath(new URL('../../captures/', import.meta.url));
const metas = catalog.map(({ meta }) => meta);
const diagnose = (findings: readonly Finding[]) => diagnoseBy(findings, metas);
const diagnoses = async (name: string) => (await analyze([FOLDER + name], { rules: catalog })).diagnoses;

const EDITOR = 'an editor that keeps lengths';
const ASA = 'ASA or PIX 7 and later';

/** What each recording was made with, as far as its octets can tell. */
const LAB: readonly (readonly [file: string, product: string, versions?: string])[] = [
  ['asa-esmtp-outside.pcap', ASA],
  ['asa-allow-tls-outside.pcap.zst', ASA],
  ['asa-auth-masked-outside.pcap', ASA],
  ['asa-link2state-outside.pcap', ASA],
  ['8bitmime-ndr-outside.pcap', ASA],
  ['exchange-ndr-outside.pcap', ASA],
  ['asa-telnet-outside.pcap', 'PIX, ASA or FWSM'],
  ['pix-4.0-ok-outside.pcap', 'PIX', '4.0 to 4.4'],
  ['pix-cmap-outside.pcap', 'PIX', '4.0 to 4.4'],
  ['pix-4.4-stars-outside.pcap', 'PIX or FWSM'],
  ['pix-5.1-noop-outside.pcap', 'PIX', '5.1 to 6.x'],
  ['pix-5.1-kb-outside.pcap.gz', 'PIX, ASA or FWSM', 'PIX 5.1 and later'],
  ['pix-6-xxxx-outside.pcapng', 'PIX or FWSM', 'PIX 5.1 to 6.x'],
  ['auth-dropped-outside.pcap', 'PIX or FWSM', 'PIX 5.1 to 6.x'],
  ['greeting-stalled-outside.pcap', 'PIX, ASA or FWSM'],
  ['lost-end-of-data-outside.pcap', 'PIX, ASA or FWSM'],
  ['reset-end-of-data-outside.pcap', 'PIX, ASA or FWSM'],
  ['pix-6-xxxx-inside.pcapng', EDITOR],
  ['pix-4.4-stars-inside.pcap', EDITOR],
  ['pix-6-off-inside.pcap', EDITOR],
  ['pix-link2state-inside.pcap', EDITOR],
  ['auth-dropped-inside.pcap', EDITOR],
  ['asa-esmtp-inside.pcap', EDITOR],
  ['asa-link2state-inside.pcap', EDITOR],
  ['asa-telnet-inside.pcap', EDITOR],
  ['pix-4.0-far-outside.pcap', 'PIX', '4.0 to 4.4'],
  ['asa-limits-outside.pcap.gz', ASA],
  ['asa-limits-drop-outside.pcap.gz', ASA],
  ['sender-workaround-outside.pcap', 'PIX, ASA or FWSM'],
  ['compare-asa-outside.pcap.zst', ASA],
  ['compare-nat-outside.pcap.zst', ASA],
  ['compare-pix40-outside.pcap.zst', 'PIX', '4.0 to 4.4'],
  ['compare-pix51-outside.pcap.zst', 'PIX', '5.1 to 6.x'],
  ['compare-pix6-outside.pcap.zst', 'PIX or FWSM', 'PIX 5.1 to 6.x'],
  ['compare-proxy-outside.pcap.zst', 'Check Point FireWall-1 SMTP security server'],
  ['proxy-antivirus-outside.pcap', 'avast! SMTP proxy'],
  ['proxy-raptor-outside.pcap', 'Raptor / Symantec Enterprise Firewall SMTP proxy'],
  ['proxy-checkpoint-outside.pcap', 'Check Point FireWall-1 SMTP security server'],
];

it.each(LAB)('%s is %s', async (name = '', product, versions) => {
  expect((await diagnoses(name)).map(({ device }) => [device.product, device.versions])).toEqual([
    [product, versions ?? null],
  ]);
});

it('says of the inside of an ASA that no PIX up to 6.x did it', async () => {
  const [diagnosis] = await diagnoses('asa-link2state-inside.pcap');
  expect(diagnosis!.ruledOut.join()).toMatch(/PIX 5.1 to 6.x.*a whole command line/);
  expect(diagnosis!.notProved[0]).toContain('Cisco ASA or PIX 7 and later');
});

it.each([
  ...readdirSync(FOLDER).filter((name) => /^control-.*\.pcap/.test(name)),
  // Keywords that only some clients lack are possible at most.
  'capability-removed-outside.pcap',
  'delivered-five-times-outside.pcap',
  'pix-6-off-outside.pcap',
])('%s names no box', async (name) => {
  expect(await diagnoses(name)).toEqual([]);
});

function finding(rule: string, args: Finding['args'] = {}, more: Partial<Finding> = {}): Finding {
  return {
    id: 'f1',
    rule,
    fingerprint: '00ff00ff00ff00ff',
    severity: 'medium',
    confidence: 'certain',
    proof: 'octets',
    title: '',
    message: '',
    args,
    capture: 0,
    session: 's1',
    sessions: ['s1'],
    count: 1,
    evidence: [],
    symptoms: [],
    remedy: [],
    references: [],
    server: { address: '192.0.2.25', port: 25 },
    ...more,
  };
}

describe('from findings', () => {
  const letters = [
    finding('capability-masked', { letter: 'A' }, { id: 'f1' }),
    finding('capability-masked', { letter: 'B' }, { id: 'f2' }),
  ];
  const starred = finding('banner-masked', { family: 'keep-2-0' }, { id: 'f3' });

  it.each<[string, Finding[], string | null, string[]]>([
    ['counting letters', letters, 'ASA or PIX 7 and later', ['f1', 'f2']],
    ['one letter alone may be chance', letters.slice(0, 1), 'an editor that keeps lengths', ['f1']],
    ['letters outweigh stars', [starred, ...letters], 'ASA or PIX 7 and later', ['f1', 'f2', 'f3']],
    ['stars that spare 2 and 0', [starred], 'PIX, ASA or FWSM', ['f3']],
    ['a bare OK', [finding('verb-swallowed', { reply: 'OK' })], 'PIX', ['f1']],
    [
      'a bare OK in a packet of its own',
      [finding('verb-swallowed', { reply: 'OK' }), finding('reply-spoofed', {}, { id: 'f2' })],
      'PIX',
      ['f1', 'f2'],
    ],
    ['foreign packets alone', [finding('reply-spoofed')], null, []],
    [
      'the reply to NOOP, but not from the server',
      [finding('verb-swallowed', { reply: '250 OK', spoofed: true })],
      null,
      [],
    ],
    ['STARTTLS refused, and nothing else', [finding('starttls-stripped')], null, []],
    ['copies alone', [finding('duplicate-delivery')], null, []],
    ['rules that are not known here', [finding('some-later-rule')], null, []],
  ])('%s', (_, findings, product, because) => {
    const [diagnosis] = diagnose(findings);
    expect(diagnosis?.device.product ?? null).toBe(product);
    expect(diagnosis?.because ?? []).toEqual(because);
  });

  it('marks that no single box leaves are boxes in series, each with what it rests on', () => {
    const ok = finding('verb-swallowed', { reply: 'OK' }, { id: 'f4' });
    const two = diagnose([...letters, ok]);
    expect(two.map(({ device, because }) => [device.product, because])).toEqual([
      ['PIX', ['f4']],
      ['ASA or PIX 7 and later', ['f1', 'f2']],
    ]);
    for (const { notProved } of two) expect(notProved.join()).toContain('In which order the boxes stand');
    const proxied = diagnose([...letters, finding('banner-proxy', { product: 'avast! SMTP proxy' })]);
    expect(proxied.map(({ device }) => device.vendor)).toEqual(['avast!', 'Cisco']);
  });

  it('EHLO that does not arrive rules out what passes it, and says what is assumed', () => {
    const lost = finding('ehlo-rejected', { witness: 'greeting' }, { id: 'f5', confidence: 'likely' });
    const [diagnosis] = diagnose([starred, lost]);
    expect(diagnosis!.device).toMatchObject({ product: 'PIX or FWSM', versions: 'PIX 5.1 to 6.x' });
    expect(diagnosis!.ruledOut.join()).toMatch(/ASA or PIX 7 and later.*EHLO does not arrive.*\(f5\)/);
    expect(diagnosis!.notProved.join()).toContain('a server without ESMTP');
  });

  it('what only supports names no box', () => {
    for (const rule of ['segment-over-mss', 'sack-impossible', 'end-of-data-split', 'ehlo-rejected']) {
      expect(diagnose([finding(rule)])).toEqual([]);
    }
  });

  it('tells an appliance by letters, kept digits and texts of its own, and nothing else', () => {
    expect(diagnose(letters)[0]!.actor.kind).toBe('appliance');
    expect(diagnose([starred])[0]!.actor.kind).toBe('appliance');
    expect(diagnose([finding('verb-masked')])[0]!.actor.kind).toBe('undecided');
    expect(diagnose([finding('capability-removed')])[0]!.actor.kind).toBe('undecided');
  });

  it('each trait has its step of the ladder and its source', () => {
    for (const { proof, source, findings } of diagnose([starred, ...letters])[0]!.proved) {
      expect(proof).toBe('octets');
      expect(source.length).toBeGreaterThan(5);
      expect(findings.length).toBeGreaterThan(0);
    }
  });

  it('is no surer than what it rests on', () => {
    expect(diagnose([starred])[0]!.confidence).toBe('likely');
  });

  it('names no box for what is possible only, nor for a note', () => {
    expect(diagnose([{ ...starred, confidence: 'possible' }])).toEqual([]);
    expect(diagnose([{ ...starred, severity: 'info' }])).toEqual([]);
  });

  it('gives each server its own', () => {
    const other = { ...starred, id: 'f4', server: { address: '192.0.2.26', port: 25 } };
    expect(diagnose([starred, other]).map(({ server }) => server.address)).toEqual([
      '192.0.2.25',
      '192.0.2.26',
    ]);
  });

  it.each<[string, Finding[], RegExp[]]>([
    ['masked keywords', letters, [/^No `mask` for/]],
    [
      'a note changes nothing',
      [...letters, finding('8bitmime-unadvertised', {}, { severity: 'info' })],
      [/^No `mask` for/],
    ],
    ['STARTTLS lost too', [...letters, finding('starttls-stripped')], [/^`allow-tls`/]],
    ['the greeting too', [starred, ...letters], [/^No `mask` for/, /^`no mask-banner`/]],
    ['AUTH lost too', [...letters, finding('auth-dropped')], [/^A class without `inspect esmtp`/]],
    ['an old PIX', [finding('verb-swallowed', { reply: 'OK' })], [/^`no fixup protocol smtp 25`/]],
    ['a limit crossed', [...letters, finding('inspection-limit')], [/^No `mask` for/, /^Only the `match`/]],
    ['a limit alone', [finding('inspection-limit')], [/^Only the `match`/]],
  ])('the smallest change: %s', (_, findings, changes) => {
    const [diagnosis] = diagnose(findings);
    expect(diagnosis!.smallestChange.length).toBe(changes.length);
    for (const [index, change] of changes.entries()) expect(diagnosis!.smallestChange[index]).toMatch(change);
  });

  it('names the symptoms of its findings once, in their order', () => {
    const findings = [
      { ...starred, symptoms: ['kb320027/5', 'kb320027/1'] },
      finding('ndr-8bitmime', {}, { symptoms: ['kb320027/10', 'kb320027/5'] }),
    ];
    expect(diagnose(findings)[0]!.symptoms).toEqual(['kb320027/1', 'kb320027/5', 'kb320027/10']);
  });
});

describe('commands for the box', () => {
  const asa = { vendor: 'Cisco', product: 'ASA or PIX 7 and later', feature: '', versions: null };

  it('name the server', () => {
    const commands = verifyCommands(asa, { address: '2001:db8::25', port: 587 });
    expect(commands).toContain('capture mw-in interface inside match tcp any host 2001:db8::25 eq 587');
    expect(commands).toContain('show service-policy inspect esmtp');
  });

  it('are none for a box without a known command line, or an address that is none', () => {
    expect(verifyCommands({ ...asa, vendor: 'unknown' }, { address: '192.0.2.25', port: 25 })).toEqual([]);
    expect(verifyCommands(asa, { address: '192.0.2.25\nreload', port: 25 })).toEqual([]);
  });
});

it('has a row in the README for each of the 14 symptoms, with the rules that speak', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  expect(SYMPTOMS.length).toBe(14);
  for (const [index, { id, seen, onTheWire }] of SYMPTOMS.entries()) {
    const rules = catalog
      .filter(({ meta }) => meta.symptoms.includes(id))
      .map(({ meta }) => `\`${meta.id}\``);
    const row = `| ${index + 1} | ${seen} | ${onTheWire} | ${rules.join(', ') || 'none yet'} |`;
    expect(readme).toContain(row);
  }
});
