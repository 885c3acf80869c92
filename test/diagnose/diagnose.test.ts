import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/analyze.js';
import { diagnose } from '../../src/diagnose/diagnose.js';
import { SYMPTOMS } from '../../src/diagnose/symptoms.js';
import { verifyCommands } from '../../src/diagnose/verify.js';
import { catalog } from '../../src/rules/catalog.js';
import type { Finding } from '../../src/rules/finding.js';

const FOLDER = fileURLToPath(new URL('../../captures/', import.meta.url));
const diagnoses = async (name: string) => (await analyze([FOLDER + name], { rules: catalog })).diagnoses;

it.each([
  ['asa-esmtp-outside.pcap', 'ASA or PIX 7 and later'],
  ['asa-link2state-outside.pcap', 'ASA or PIX 7 and later'],
  ['asa-telnet-outside.pcap', 'PIX, ASA or FWSM'],
  ['pix-4.0-ok-outside.pcap', 'PIX'],
  ['pix-cmap-outside.pcap', 'PIX'],
  ['pix-4.4-stars-outside.pcap', 'PIX, ASA or FWSM'],
  ['pix-5.1-noop-outside.pcap', 'PIX'],
  ['pix-5.1-kb-outside.pcap.gz', 'PIX, ASA or FWSM'],
  ['pix-6-xxxx-inside.pcapng', 'an editor that keeps lengths'],
  ['proxy-antivirus-outside.pcap', 'avast! SMTP proxy'],
  ['proxy-raptor-outside.pcap', 'Raptor / Symantec Enterprise Firewall SMTP proxy'],
  ['proxy-checkpoint-outside.pcap', 'Check Point FireWall-1 SMTP security server'],
])('%s is %s', async (name, product) => {
  expect((await diagnoses(name)).map(({ device }) => device.product)).toEqual([product]);
});

it.each([
  ...readdirSync(FOLDER).filter((name) => /^control-.*\.pcap/.test(name)),
  'delivered-five-times-outside.pcap',
  'pix-6-off-outside.pcap',
])('%s names no box', async (name) => {
  expect(await diagnoses(name)).toEqual([]);
});

function finding(rule: string, args: Finding['args'] = {}, more: Partial<Finding> = {}): Finding {
  return {
    id: 'f1',
    rule,
    severity: 'medium',
    confidence: 'certain',
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
    ['letters outweigh stars', [starred, ...letters], 'ASA or PIX 7 and later', ['f1', 'f2']],
    ['stars that spare 2 and 0', [starred], 'PIX, ASA or FWSM', ['f3']],
    ['a bare OK', [finding('verb-swallowed', { reply: 'OK' })], 'PIX', ['f1']],
    ['STARTTLS refused, and nothing else', [finding('starttls-stripped')], null, []],
    ['copies alone', [finding('duplicate-delivery')], null, []],
    ['rules that are not known here', [finding('some-later-rule')], null, []],
  ])('%s', (_, findings, product, because) => {
    const [diagnosis] = diagnose(findings);
    expect(diagnosis?.device.product ?? null).toBe(product);
    expect(diagnosis?.because ?? []).toEqual(because);
  });

  it('is no surer than what it rests on', () => {
    expect(diagnose([starred])[0]!.confidence).toBe('likely');
    expect(diagnose([{ ...starred, confidence: 'possible' }])[0]!.confidence).toBe('possible');
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
