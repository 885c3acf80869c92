import { describe, expect, it } from 'vitest';
import { capabilityRemoved } from '../../src/rules/capability-removed.js';
import { findings } from '../support/dialogue.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const ALL = ['PIPELINING', 'SIZE 10240000', 'STARTTLS', 'AUTH PLAIN', '8BITMIME', 'DSN', 'CHUNKING'];
const but = (...names: string[]) => ALL.filter((line) => !names.includes(line.split(' ')[0]!));

interface Visit {
  client: string;
  lines?: readonly string[];
  greeting?: string;
  host?: string;
  middle?: string;
  name?: string;
}

let port = 0;

/** One session: greeting, EHLO, QUIT. */
function visit({
  client,
  lines = ALL,
  greeting = '220 mail.example ESMTP Postfix',
  host = 'mail.example',
  middle = '',
  name = 'client.example',
}: Visit): string {
  port = (port + 1) % 20_000;
  return `
  session C=192.0.2.${client}:${20_000 + port}
  S: ${greeting}
  C: EHLO ${name}
  S: 250-${host} Hello ${name} [192.0.2.${client}]
${lines.map((line, index) => `  S+ 250${index < lines.length - 1 ? '-' : ' '}${line}`).join('\n')}
${middle}
  C: QUIT
  S: 221 bye
  @ +60`;
}

const both = (fuller: Partial<Visit>, poorer: Partial<Visit>): string =>
  [1, 2].flatMap(() => [visit({ client: '10', ...fuller }), visit({ client: '20', ...poorer })]).join('\n');

ruleTable(capabilityRemoved, {
  speaks: {
    'STARTTLS for some and not for others, in turns': {
      script: both({}, { lines: but('STARTTLS') }),
      gives: {
        confidence: 'possible',
        args: {
          lines: ['STARTTLS'],
          sessionsWithout: 2,
          sessionsWith: 2,
          clientsWithout: 1,
          clientsWith: 1,
        },
        sessions: ['s1', 's2', 's3', 's4'],
        excerpt: '250-mail.example Hello client.example [192.0.2.20]',
      },
    },
    'three lines, the last one among them, and AUTH': {
      script: both({}, { lines: but('STARTTLS', 'AUTH', 'CHUNKING') }),
      gives: { args: { lines: ['STARTTLS', 'AUTH PLAIN', 'CHUNKING'] } },
    },
    'CHUNKING alone': {
      script: both({}, { lines: but('CHUNKING') }),
      gives: { args: { lines: ['CHUNKING'] } },
    },
    'greetings that differ in time and number only': {
      script: [1, 2, 3, 4]
        .map((day) =>
          visit({
            client: day % 2 ? '10' : '20',
            lines: day % 2 ? ALL : but('8BITMIME'),
            greeting: `220 mail.example ESMTP Exim 4.96 Tue, ${day} May 2024 08:0${day}:00 +0000 id-${day}a7`,
          }),
        )
        .join('\n'),
      gives: { args: { lines: ['8BITMIME'] } },
    },
    'several clients on either side': {
      script:
        both({}, { lines: but('STARTTLS') }) +
        both({ client: '11' }, { client: '21', lines: but('STARTTLS') }),
      gives: { args: { clientsWithout: 2, clientsWith: 2, sessionsWithout: 4 } },
    },
  },
  silent: {
    'an honest server': HONEST,
    'the same for all': both({}, {}),
    'AUTH for some networks only': both({}, { lines: but('AUTH') }),
    'XCLIENT for known hosts, and more': both(
      { lines: ['STARTTLS', 'XCLIENT NAME ADDR', 'DSN'] },
      { lines: ['DSN'] },
    ),
    'postscreen, which has no PIPELINING': both({}, { lines: but('PIPELINING', 'CHUNKING') }),
    'another SIZE': both({}, { lines: but('STARTTLS').map((line) => line.replace('10240000', '5000000')) }),
    'another order': both({}, { lines: [...but('STARTTLS')].reverse() }),
    'another greeting': both({}, { lines: but('STARTTLS'), greeting: '220 mail.example ESMTP' }),
    'another release': both(
      { greeting: '220 mail.example ESMTP Exim 4.96' },
      { lines: but('STARTTLS'), greeting: '220 mail.example ESMTP Exim 4.97' },
    ),
    'another machine': both({}, { lines: but('STARTTLS'), host: 'mail2.example' }),
    'four lines': both({}, { lines: but('STARTTLS', '8BITMIME', 'DSN', 'CHUNKING') }),
    'once only':
      visit({ client: '10' }) + visit({ client: '20', lines: but('STARTTLS') }) + visit({ client: '10' }),
    'a change of configuration': [
      visit({ client: '10' }),
      visit({ client: '11' }),
      visit({ client: '20', lines: but('STARTTLS') }),
      visit({ client: '21', lines: but('STARTTLS') }),
    ].join('\n'),
    'a client that gets both: several servers behind one address':
      both({}, { lines: but('STARTTLS') }) + visit({ client: '20' }),
    'EHLO again after AUTH': both(
      {},
      {
        middle: `
  C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
  S: 235 ok
  C: EHLO client.example
  S: 250-mail.example
  S+ 250 DSN`,
      },
    ),
    'a masked line is not a removed one': both(
      {},
      { lines: ALL.map((line) => (line === 'STARTTLS' ? 'XXXXXXXA' : line)) },
    ),
    'a masked line and a missing one': both(
      {},
      { lines: but('8BITMIME').map((line) => (line === 'STARTTLS' ? 'XXXXXXXA' : line)) },
    ),
    'HELO first': both({}, { lines: ALL, middle: '' }).replaceAll(
      'C: EHLO',
      'C: HELO a\n  S: 250 mail.example\n  C: EHLO',
    ),
    'F11, a piece of the reply is missing': both({}, { lines: but('STARTTLS') }).replaceAll(
      '  S+ 250-8BITMIME\n',
      '  S? 250-8BITMIME\n',
    ),
    midstream: both({}, { lines: but('STARTTLS') }).replaceAll(/ {2}S: 220.*/g, '  midstream'),
    'many different replies': [1, 2, 3, 4, 5]
      .map((n) =>
        both(
          { greeting: `220 mail${n}.example ESMTP` },
          { greeting: `220 mail${n}.example ESMTP`, lines: but('STARTTLS') },
        ),
      )
      .join('\n'),
  },
});

describe('capability-removed', () => {
  it('names who lacks what, and what else shows the same', async () => {
    const [finding] = await findings(both({}, { lines: but('STARTTLS') }), [capabilityRemoved]);
    expect(finding!.message).toContain(
      '"STARTTLS" is missing from the EHLO reply that 192.0.2.20 (2 sessions) got',
    );
    expect(finding!.message).toContain('smtpd_discard_ehlo_keyword_address_maps');
    expect(finding!.proof).toBe('contrast');
    expect(finding!.evidence.map(({ excerpt }) => excerpt.replace(/ .*/, ''))).toEqual([
      '250-mail.example',
      '250-mail.example',
      '250-STARTTLS',
      '250-STARTTLS',
    ]);
  });
});
