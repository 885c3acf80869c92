import { expect, it } from 'vitest';
import { connectionBlocked } from '../../src/rules/connection-blocked.js';
import { analyzeScripts } from '../support/dialogue.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

/** SYNs as a client repeats them. */
const SYNS = 'knock\n@ +1\nknock\n@ +2\nknock\n@ +4\nknock';
const from = (client: string, port = 40_001, server = '198.51.100.25') =>
  `session C=${client}:${port} S=${server}:25`;
const asks = (client: string, port?: number, server?: string) => `${from(client, port, server)}\n${SYNS}`;
const isRefused = (client: string, port?: number, server?: string) =>
  `${from(client, port, server)}\nknock\nrefuse\n@ +20`;
const isServed = (client: string) => `${from(client, 50_001)}\n${HONEST}`;
const LATER = 'tick 10';

const A = '192.0.2.10';
const B = '192.0.2.11';

ruleTable(connectionBlocked, {
  speaks: {
    'no answer to four SYNs': {
      script: `${asks(A)}\n${LATER}`,
      gives: {
        confidence: 'possible',
        args: { kind: 'unanswered', attempts: 1, syns: 4, seconds: 7, otherClient: null },
        excerpt: '(SYN)',
      },
    },
    'two refusals within a second, from two ports, are two attempts': {
      script: `${from(A, 40_001)}\nknock\nrefuse\n@ +0.1\n${from(A, 40_002)}\nknock\nrefuse\n${LATER}`,
      gives: { confidence: 'possible', args: { kind: 'refused', attempts: 2 } },
    },
    'attempt after attempt is one finding': {
      script: `${asks(A, 40_001)}\n@ +60\n${asks(A, 40_002)}\n@ +60\n${asks(A, 40_003)}\n${LATER}`,
      gives: { args: { attempts: 3, syns: 12 }, sessions: ['s1', 's2', 's3'] },
    },
    'between the SYNs another client is answered': {
      script: `${asks(A, 40_001)}\n${isServed(B)}\n@ +60\n${asks(A, 40_002)}\n${LATER}`,
      gives: { confidence: 'likely', args: { otherClient: B, clientCount: 1 } },
    },
    'others are answered before and after only': {
      script: `${isServed(B)}\n@ +1\n${asks(A)}\n@ +1\n${isServed(B)}\n${LATER}`,
      gives: { confidence: 'possible', args: { otherClient: null } },
    },
    'the capture holds the client’s packets only': {
      script: `only C\n${asks(A)}\n${LATER}`,
      gives: { confidence: 'possible', args: { kind: 'unanswered' } },
    },
    'several clients': {
      script: `${asks(A)}\n${asks(B)}\n${LATER}`,
      gives: { args: { clientCount: 2, clients: [A, B], attempts: 2 } },
    },
    'refused twice': {
      script: `${isRefused(A, 40_001)}\n${isRefused(A, 40_002)}\n${LATER}`,
      gives: { confidence: 'possible', args: { kind: 'refused', attempts: 2 } },
    },
    'refused while another client is answered': {
      script: `${isRefused(A, 40_001)}\n${isServed(B)}\n${isRefused(A, 40_002)}\n${LATER}`,
      gives: { confidence: 'likely', args: { kind: 'refused', otherClient: B } },
    },
    'the reset has another hop limit than the server': {
      script: `${isRefused(A, 40_001).replace('refuse', 'stack S ttl=255\nrefuse')}\n${isServed(B)}\n${isRefused(A, 40_002)}\n${LATER}`,
      gives: { confidence: 'likely', args: { resetHopLimit: 255, serverHopLimit: 57 } },
    },
    'T5: resets that do not acknowledge the SYN, which is sent again': {
      script: `${from(A)}\nknock\nrefuse 900000000\n@ +3\nknock\nrefuse 900000000\n${LATER}`,
      gives: { confidence: 'likely', args: { kind: 'reset-ignored', syns: 2 } },
    },
    'an hour without an answer, and then one: a note': {
      script: `${asks(A, 40_001)}\n@ +1800\n${asks(A, 40_002)}\n@ +1800\n${isServed(A)}\n${LATER}`,
      gives: { confidence: 'possible', args: { gotThroughLater: true } },
    },
  },
  silent: {
    'an honest server': HONEST,
    'one SYN, and the capture ends': `${from(A)}\nknock`,
    'one SYN, and nobody repeats it': `${from(A)}\nknock\n${LATER}`,
    'two SYNs, and the capture ends before an answer could come': `${from(A)}\nknock\n@ +1\nknock\ntick 1`,
    'a SYN that a mirror port captured twice': `${from(A)}\nknock\nknock\n${LATER}`,
    'SYNs that are lost, the third is answered': `${from(A)}\nknock\n@ +1\nknock\n@ +2\n${HONEST}\n${LATER}`,
    'the server is started again: the next attempt succeeds': `${asks(A)}\n@ +20\n${isServed(A)}\n${LATER}`,
    'refused twice, then served': `${isRefused(A, 40_001)}\n${isRefused(A, 40_002)}\n${isServed(A)}\n${LATER}`,
    'refused once': `${isRefused(A)}\n${LATER}`,
    'refused three times within a second from one port: one attempt': `${[40_001, 40_001, 40_001]
      .map((port) => `${from(A, port)}\nknock\nrefuse\n@ +0.4`)
      .join('\n')}\n${LATER}`,
    'a scan: one client, 21 servers': `${Array.from({ length: 21 }, (_, n) =>
      asks(A, 40_001, `198.51.100.${n + 1}`),
    ).join('\n')}\n${LATER}`,
    'a flood: one SYN each': `${Array.from({ length: 300 }, (_, n) => `${from(`203.0.113.${n % 250}`, 1000 + n)}\nknock`).join('\n')}\n${LATER}`,
    'nothing but SYNs was captured, one of them lost': `${[1, 2, 3]
      .map((n) => `${from(A, 40_000 + n)}\nknock\n@ +9`)
      .join('\n')}\n${from(A, 40_009)}\nknock\n@ +1\nknock\n${LATER}`,
    'a handshake without a word': `${from(A)}\nknock\n@ +1\nknock\n@ +1\nC~ \nfin\n${LATER}`,
    'a port that is used again, answered each time': `${from(A)}\n${HONEST}\n@ +300\n${from(A)}\n${HONEST}\n${LATER}`,
    'one reset that fits nothing': `${from(A)}\nknock\nrefuse 900000000\n@ +1\n${HONEST}\n${LATER}`,
  },
});

it('does not suspect the provider of a client that reaches another server', async () => {
  const script = `${from(A, 40_009, '198.51.100.26')}\n${HONEST}\n${asks(A)}\n${LATER}`;
  const { findings } = await analyzeScripts([script], { rules: [connectionBlocked] });
  expect(findings[0]!.message).not.toContain('provider');
});

it('says of a scan that it was not judged', async () => {
  const script = Array.from({ length: 21 }, (_, n) => asks(A, 40_001, `198.51.100.${n + 1}`)).join('\n');
  const { notAssessed } = await analyzeScripts([`${script}\n${LATER}`], { rules: [connectionBlocked] });
  expect(notAssessed.filter(({ reason }) => reason === 'scan').length).toBe(1);
});

it('names neither address nor port beyond those of the connection, and the SYNs’ frames', async () => {
  const { findings } = await analyzeScripts([`${asks(A)}\n${LATER}`], { rules: [connectionBlocked] });
  expect(findings[0]!.message).toBe(
    '192.0.2.10 asked port 25 of 198.51.100.25 once (4 SYNs in 7 s) and got no answer. No other client is known to have been answered then: the server may be down, a firewall or the client’s provider or the server’s own packet filter may drop the port, or the answer may take another way and be lost there.',
  );
  expect(findings[0]!.evidence.map(({ packet, excerpt }) => [packet, excerpt])).toEqual([
    [1, '(SYN)'],
    [4, '(SYN)'],
  ]);
});
