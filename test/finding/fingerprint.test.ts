import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { bannerMasked } from '../../src/rules/banner-masked.js';
import { endOfDataUnacknowledged } from '../../src/rules/end-of-data-unacknowledged.js';
import type { Rule } from '../../src/rules/rule.js';
import { findings } from '../support/dialogue.js';

async function fingerprints(script: string, rule: Rule): Promise<string[]> {
  return (await findings(script, [rule])).map(({ fingerprint }) => fingerprint);
}

const MASKED = 'S: 220 ****************2**0******';
const unanswered = (header: string) => `
  S: 220 mail.example ESMTP
  C: HELO client.example
  S: 250 mail.example
  C: MAIL FROM:<a@client.example>
  S: 250 ok
  C: RCPT TO:<b@mail.example>
  S: 250 ok
  C: DATA
  S: 354 go on
  C: ${header}\\r\\n\\r\\nHello\\r\\n.
  @ +600
  fin C
`;

it('is SHA-256 of rule, server and subject', async () => {
  const [finding] = await findings(MASKED, [bannerMasked]);
  const { rule, server, args, fingerprint } = finding!;
  const named = `${rule}\0${server.address}\0${server.port}\0${args.family}`;
  expect(fingerprint).toBe(createHash('sha256').update(named).digest('hex').slice(0, 16));
});

it('is the same in another session, at another time, behind other frames', async () => {
  const first = await fingerprints(MASKED, bannerMasked);
  const later = `S: 220 mail.example\nC: QUIT\n@ +86400\nsession C=192.0.2.77:5 S=198.51.100.25:25\n${MASKED}`;
  expect(await fingerprints(later, bannerMasked)).toEqual(first);
});

it('is another one at another server, port, rule or message', async () => {
  const there = (server: string) => `session C=192.0.2.10:40001 S=${server}\n${MASKED}`;
  const all = [
    ...(await fingerprints(MASKED, bannerMasked)),
    ...(await fingerprints(there('198.51.100.26:25'), bannerMasked)),
    ...(await fingerprints(there('198.51.100.25:587'), bannerMasked)),
    ...(await fingerprints(unanswered('Message-ID: <1@client.example>'), endOfDataUnacknowledged)),
    ...(await fingerprints(unanswered('Message-ID: <2@client.example>'), endOfDataUnacknowledged)),
    ...(await fingerprints(unanswered('Subject: x'), endOfDataUnacknowledged)),
  ];
  expect(all).toHaveLength(6);
  expect(new Set(all).size).toBe(6);
});

it('does not know the session of a message without a Message-ID', async () => {
  const script = unanswered('Subject: x');
  const later = `S: 220 mail.example\nC: QUIT\nsession C=192.0.2.77:5 S=198.51.100.25:25\n${script}`;
  const found = await fingerprints(script, endOfDataUnacknowledged);
  expect(found).toHaveLength(1);
  expect(await fingerprints(later, endOfDataUnacknowledged)).toEqual(found);
});
