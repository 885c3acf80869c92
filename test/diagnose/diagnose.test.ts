import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { analyze } from '../../src/analyze.js';
import { catalog } from '../../src/rules/catalog.js';

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
