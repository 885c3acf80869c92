import { describe, expect, it } from 'vitest';
import { replySpoofed } from '../../src/rules/reply-spoofed.js';
import { analyzeScripts, findings } from '../support/dialogue.js';
import { HONEST, ruleTable } from '../support/rule-table.js';

const STAMPS = 'syn C ts\nsyn S ts\n';
const BEGIN = 'S: 220 mail.example ESMTP\nC: HELO a\nS: 250 mail.example';
const END = 'C: RSET\nS: 250 2.0.0 Ok\nC: QUIT\nS: 221 bye';
/** The reply alone has another stack. */
const by = (stack: string, back: string, reply: string) => `stack S ${stack}\nS: ${reply}\nstack S ${back}`;
const BOX = (reply: string) => by('ttl=255 ts=off window=8192', 'ttl=57 ts=0 window=65535', reply);
const TTL = (reply: string) => by('ttl=255', 'ttl=57', reply);
const NEAR = (ttl: number, reply: string) => by(`ttl=${ttl}`, 'ttl=57', reply);

/** Each reply takes 41 ms, where the handshake took 40 ms; after `fast` 11 ms. */
function far(script: string): string {
  const lines = script.split('\n').map((line) => {
    if (line.startsWith('S:')) return `@ +0.03\n${line}`;
    return line.startsWith('fast ') ? line.slice(5) : line;
  });
  return ['handshake 40', ...lines].join('\n');
}
const FAST_ROUTE = (reply: string) => `stack S ttl=255\nfast S: ${reply}\nstack S ttl=57`;

const SHORT = `${BEGIN}\nC: MAIL FROM:<a@a.example>\nS: 250 sender ok\n${END}`;

ruleTable(replySpoofed, {
  speaks: {
    'OK of a box with a stack of its own': {
      script: `${STAMPS}${BEGIN}\nC: EHLO a\n${BOX('OK')}\n${END}`,
      gives: {
        confidence: 'certain',
        args: {
          another: 1,
          server: 4,
          undecided: 0,
          commands: ['EHLO'],
          replies: ['frame 12: another (hop limit 255/57; no timestamp)'],
        },
        excerpt: 'EHLO a',
      },
    },
    'a refusal with a code is likely': {
      script: `${STAMPS}${BEGIN}\nC: STARTTLS\n${BOX('500 what?')}\nC: AUTH LOGIN\n${BOX('500 what?')}\n${END}`,
      gives: { confidence: 'likely', args: { another: 2, server: 4, commands: ['STARTTLS', 'AUTH'] } },
    },
    'hop limit and another clock': {
      script: `${STAMPS}${BEGIN}\nC: EHLO a\n${by('ttl=128 ts=-90000000', 'ttl=57 ts=0', '500 no')}\n${END}`,
      gives: {
        confidence: 'likely',
        args: { replies: ['frame 12: another (hop limit 128/57; other clock)'] },
      },
    },
    'hop limit and IP ID 0': {
      script: `stack S ipid=700+\n${BEGIN}\nC: EHLO a\n${by('ttl=255 ipid=0', 'ttl=57 ipid=900+', '500 no')}\n${END}`,
      gives: { confidence: 'likely' },
    },
    'hop limit and an IP ID beside the counter': {
      script: `stack S ipid=700+\n${BEGIN}\nC: EHLO a\n${by('ttl=255 ipid=30000', 'ttl=57 ipid=720+', '500 no')}\n${END}`,
      gives: { confidence: 'likely' },
    },
    'hop limit and faster than the path': {
      script: far(
        `${BEGIN}\nC: EHLO a\nstack S ttl=255\nfast S: 500 no\nstack S ttl=57\nC: MAIL FROM:<a@a.example>\nS: 250 sender ok\n${END}`,
      ),
      gives: {
        confidence: 'likely',
        args: { handshakeUs: 40_000, medianUs: 41_000, another: 1, server: 5 },
      },
    },
    'the SYN-ACK came over one hop less': {
      script: `${STAMPS}stack S ttl=58\n${BEGIN.replace('\nC', '\nstack S ttl=57\nC')}\nC: EHLO a\n${BOX('OK')}\n${END}`,
      gives: { confidence: 'certain', args: { another: 1, server: 4, undecided: 0 } },
    },
    'the hop limit alone, at all of one odd answer': {
      script: `${BEGIN}\nC: EHLO a\n${TTL('OK')}\nC: STARTTLS\n${TTL('OK')}\nC: MAIL FROM:<a@a.example>\nS: 250 sender ok\n${END}`,
      gives: { confidence: 'likely', args: { another: 2, server: 5, chance: 0.0476 } },
    },
    'the delay alone, at all of one odd answer': {
      script: far(
        `${BEGIN}\nC: EHLO a\nfast S: OK\nC: STARTTLS\nfast S: OK\nC: MAIL FROM:<a@a.example>\nS: 250 sender ok\n${END}`,
      ),
      gives: { confidence: 'likely', args: { another: 2, server: 5 } },
    },
    'pipelined, measured from its own frame': {
      script: `${far(`${BEGIN}\nC: NOOP\n@ +0.02\nC: EHLO a\nfast S: 250 2.0.0 Ok\nstack S ttl=255\nfast S: 500 no\nstack S ttl=57\nC: MAIL FROM:<a@a.example>\nS: 250 sender ok\n${END}`).replace('40', '50')}`,
      gives: { confidence: 'likely', args: { commands: ['EHLO'] } },
    },
    'two sessions are one finding': {
      script: `session\n${STAMPS}${BEGIN}\nC: EHLO a\n${BOX('OK')}\n${END}\nsession\n${BEGIN}\nC: EHLO a\n${BOX('OK')}\n${END}`,
      gives: { count: 2, sessions: ['s1', 's2'] },
    },
  },
  silent: {
    'an honest server': `${STAMPS}${HONEST}`,
    'an honest server far away': far(HONEST.replaceAll('\n  ', '\n')),
    'once, one sign: the hop limit': `${BEGIN}\nC: EHLO a\n${TTL('500 no')}\n${END}`,
    'once, one sign: no timestamp': `${STAMPS}${BEGIN}\nC: EHLO a\n${by('ts=off', 'ts=0', '500 no')}\n${END}`,
    'once, one sign: faster than the path': far(SHORT.replace('S: 250 sender', 'fast S: 250 sender')),
    'a hop limit that changes for good': `${BEGIN}\nC: EHLO a\nstack S ttl=120\nS: OK\nC: STARTTLS\nS: OK\n${END}`,
    'a stack that changes for good: a server takes over': `${STAMPS}${SHORT}\nsession\n${BEGIN}\nstack S ttl=120 ts=off\n${END}`,
    'one sign at all of one odd answer, where chance may be why': `${BEGIN}\nC: EHLO a\n${TTL('OK')}\nC: STARTTLS\n${TTL('OK')}\nC: QUIT\nS: 221 bye`,
    'two routes that alternate': `${BEGIN}\nC: EHLO a\n${NEAR(58, 'OK')}\nC: STARTTLS\n${NEAR(55, 'OK')}\n${END}`,
    'two routes of other lengths, which any reply may take': `${BEGIN}\nC: NOOP\n${TTL('250 2.0.0 Ok')}\nC: MAIL FROM:<a@a.example>\n${TTL('250 2.0.0 Ok')}\nC: NOOP\nS: 250 2.0.0 Ok\n${END}`,
    'the same answer came by the other route, too': `${BEGIN}\nC: EHLO a\n${TTL('500 no')}\nC: STARTTLS\n${TTL('500 no')}\nC: TURN\nS: 500 no\nC: MAIL FROM:<a@a.example>\nS: 250 sender ok\n${END}`,
    'another route, and the IP ID goes on counting': `${STAMPS}stack S ipid=700+\n${BEGIN}\nC: EHLO a\n${by('ttl=120 ts=off', 'ttl=57 ts=0', '500 no')}\n${END}`,
    'the SYN-ACK is a proxy’s': `${STAMPS}stack S ttl=255 ts=-90000000\n${BEGIN.replace('\n', '\nstack S ttl=57 ts=0\n')}\nC: EHLO a\nS: OK\nC: STARTTLS\nS: OK\n${END}`,
    'a proxy all through': `stack S ttl=255 ipid=0 window=8192\n${BEGIN}\nC: EHLO a\nS: OK\n${END}`,
    'a reset': `${STAMPS}${SHORT}\nstack S ttl=255 ts=off\nrst S`,
    'a bare acknowledgement': `${STAMPS}${BEGIN}\nstack S ttl=255 ts=off\nC: NOOP\nstack S ttl=57 ts=0\nS: 250 2.0.0 Ok\n${END}`,
    'octets again, by an optimiser’s stack': `${STAMPS}${BEGIN}\nC: NOOP\nS: 250 2.0.0 Ok\nback S 14\n${BOX('250 2.0.0 Ok')}\n${END}`,
    'too few replies of the server’s own': `${STAMPS}S: 220 x ESMTP\nC: EHLO a\n${BOX('OK')}\nC: QUIT\nS: 221 bye`,
    midstream: `midstream\n${BEGIN}\nC: EHLO a\n${by('ttl=255 ipid=0', 'ttl=57 ipid=1', 'OK')}\n${END}`,
    'one-sided': `only S\n${STAMPS}${BEGIN}\nC: EHLO a\n${BOX('OK')}\n${END}`,
    'a gap': `${STAMPS}${BEGIN}\nC: EHLO a\n${BOX('OK')}\nC? NOOP\nS: 250 2.0.0 Ok\n${END}`,
    'cut behind it': `${STAMPS}${BEGIN}\nC: EHLO a\n${BOX('OK')}\ncut`,
    'a path that is faster than its handshake': `handshake 40\n${SHORT}`,
    'a second route, and a path whose replies lie in between': far(
      `${SHORT}`.replace('S: 250 sender ok', FAST_ROUTE('250 sender ok')),
    ).replace('@ +0.03\nS: 250 2', '@ +0.014\nS: 250 2'),
    'a second route, and a farewell that was under way': far(
      `${SHORT}`.replace('S: 250 sender ok', `${FAST_ROUTE('421 timeout')}`),
    ),
    'a second route, and a refusal in the middle of the mail data': far(
      `${BEGIN}\nC: NOOP\nS: 250 2.0.0 Ok\nC: DATA\nS: 354 go\nC~ hello\\r\\n.\\r\\n\n${FAST_ROUTE('552 too much')}\n${END}`,
    ),
    'all that one honest answer was, by another route': `${BEGIN}\nC: NOOP\n${TTL('250 NOOP')}\nC: NOOP\n${TTL('250 NOOP')}\nC: MAIL FROM:<a@a.example>\nS: 250 sender ok\n${END}`,
    'a greeting that took long': far(`@ +30\n${SHORT}`),
  },
});

describe('reply-spoofed', () => {
  it('says it in a sentence', async () => {
    const [finding] = await findings(
      far(
        `${STAMPS}${BEGIN}\nC: EHLO a\nstack S ttl=255 ts=off\nfast S: 500 no\nstack S ttl=57 ts=0\nC: MAIL FROM:<a@a.example>\nS: 250 sender ok\n${END}`,
      ),
      [replySpoofed],
    );
    expect(finding!.message).toBe(
      "The reply in frame 12 came with hop limit 255 where the server's segments have 57, without the TCP timestamp that all of the server's segments carry and 11 ms after the command on a path where the handshake took 40 ms: another machine wrote it. So it is with 1 of the 6 replies in this connection, that to EHLO.",
    );
  });

  it('does not repeat what was no verb', async () => {
    const [finding] = await findings(`${STAMPS}${BEGIN}\nC: \\x1b[2J\n${BOX('OK')}\n${END}`, [replySpoofed]);
    expect(finding!.args.commands).toEqual(['a command that is no verb']);
  });

  it.each([
    ['too few of the server’s own', `${STAMPS}S: 220 x ESMTP\nC: EHLO a\n${BOX('OK')}\nC: QUIT\nS: 221 bye`],
    ['none behind it', `${STAMPS}${SHORT.replace('C: QUIT\nS: 221 bye', `C: EHLO a\n${BOX('OK')}`)}`],
  ])('says that it cannot tell: %s', async (_, script) => {
    const { notAssessed } = await analyzeScripts([script], { rules: [replySpoofed] });
    expect(notAssessed.map(({ session, reason }) => [session, reason])).toEqual([['s1', 'undecided']]);
    expect(notAssessed[0]!.detail).toContain('hop limit 255/57; no timestamp');
  });

  it('cannot tell where more foreign segments came than are listed', async () => {
    const box = `C: EHLO a\n${BOX('OK')}\n`.repeat(25);
    const script = `${STAMPS}${SHORT.replace('C: MAIL', `${box}C: MAIL`)}`;
    expect((await analyzeScripts([script], { rules: [replySpoofed] })).notAssessed.length).toBe(1);
    expect(await findings(script, [replySpoofed])).toEqual([]);
  });
});
