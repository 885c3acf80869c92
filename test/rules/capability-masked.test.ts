import { expect, it } from 'vitest';
import { EHLO_TEMPLATES } from '../../src/facts/ehlo-templates.js';
import { capabilityMasked } from '../../src/rules/capability-masked.js';
import { findings } from '../support/dialogue.js';
import { HONEST, ruleTable, V4 } from '../support/rule-table.js';

const ehlo = (...lines: string[]): string =>
  `S: 220 mail.example ESMTP\nC: EHLO a.example\nS: 250-mail.example\n${lines.map((line) => `S+ ${line}`).join('\n')}\nC: QUIT\nS: 221 x`;

it('V4: reads nine masked lines of Exchange 2003', async () => {
  const found = await findings(V4, [capabilityMasked]);
  expect(found.map((finding) => [finding.args.letter, finding.args.octets, finding.args.name])).toEqual([
    ['A', 4, 'TURN'],
    ['B', 8, 'CHUNKING'],
    ['C', 4, 'VRFY'],
    ['D', 24, 'X-EXPS GSSAPI NTLM LOGIN'],
    ['E', 12, 'X-EXPS=LOGIN'],
    ['F', 10, 'AUTH=LOGIN'],
    ['G', 12, 'X-LINK2STATE'],
    ['H', 7, 'XEXCH50'],
    ['I', 2, 'OK'],
  ]);
  expect(new Set(found.map((finding) => finding.confidence))).toEqual(new Set(['certain']));
  for (const { args, message } of found) {
    expect(args.fits).toEqual(['Exchange 2003']);
    expect(message).toContain(
      `fit 1 of ${args.tried} known servers' replies, Exchange 2003, where it is "${args.name}"`,
    );
  }
  expect(found[1]!.message).toContain('by length alone also 8BITMIME, SMTPUTF8, STARTTLS');
});

it('V5: eight octets are never called STARTTLS for their length alone', async () => {
  const found = await findings(ehlo('250-PIPELINING', '250-XXXXXXXA', '250 XXXB'), [capabilityMasked]);
  expect(found).toHaveLength(2);
  expect(found[0]!.args.candidates).toEqual(expect.arrayContaining(['STARTTLS', 'CHUNKING', '8BITMIME']));
  expect(found.map((finding) => finding.args.name)).toEqual([null, null]);
  expect(found[0]!.args.tried).toBe(0);
  expect(found[0]!.message).toContain('Too few keywords are clear');
});

it('servers that fit and disagree leave candidates, no name', async () => {
  const [finding] = await findings(ehlo('250-SIZE 1000', '250-8BITMIME', '250-DSN', '250 XXXXXXXA'), [
    capabilityMasked,
  ]);
  expect(finding!.args).toMatchObject({ name: null, fits: ['Postfix', 'Exim'] });
  expect(finding!.args.candidates).toEqual(['SMTPUTF8', 'CHUNKING', 'STARTTLS']);
  expect(finding!.message).toContain('which of them it was cannot be told');
});

it.each(EHLO_TEMPLATES.map((template) => [template.server, template] as const))(
  'under its own mask, %s is among the servers that fit',
  async (server, { lines, whole }) => {
    const clear = /^(?:SIZE|ETRN|PIPELINING|DSN|ENHANCEDSTATUSCODES|8BITMIME|BINARYMIME|AUTH )/;
    let letter = 64;
    const reply = lines.map((line) => {
      const text = line.replace(/^(AUTH=?)\*$/, '$1 PLAIN').replace('*', ' 1000');
      if (clear.test(line) || line === 'AUTH*') return text;
      letter += 1;
      return `${'X'.repeat(text.length - 1)}${String.fromCharCode(letter)}`;
    });
    const found = await findings(
      ehlo(...reply.map((text, i) => `250${i < lines.length - 1 ? '-' : ' '}${text}`)),
      [capabilityMasked],
    );
    expect(found.length).toBeGreaterThan(0);
    for (const { args } of found) {
      expect(args.fits).toContain(server);
      if (whole) expect(args.fits).toEqual([server]);
    }
  },
);

ruleTable(capabilityMasked, {
  speaks: {
    'one line of the ASA': {
      script: ehlo('250-PIPELINING', '250 XXXXXXXA'),
      gives: { confidence: 'certain' },
    },
    'X’s alone': { script: ehlo('250-PIPELINING', '250 XXXXXXXX'), gives: { confidence: 'likely' } },
  },
  silent: {
    'an honest server': HONEST,
    'F10, keywords that begin with X': ehlo(
      '250-XCLIENT NAME',
      '250-XFORWARD NAME',
      '250-X-EXPS LOGIN',
      '250 XVERP',
    ),
    'F10, XX and XXX': ehlo('250-XX', '250 XXX'),
    'a lone letter': ehlo('250-PIPELINING', '250 A'),
    'letters that do not count from A': ehlo('250-XXXXB', '250 XXXXQ'),
    'F9, X’s in a host name':
      'S: 220 x ESMTP\nC: EHLO a\nS: 250-XXXX.example\nS+ 250 SIZE\nC: QUIT\nS: 221 x',
    'V14, overwritten after the capture': ehlo('250-PIPELINING', '250 XXXXXXXA').replace(
      'S: 250-mail',
      'checksum bad\nS: 250-mail',
    ),
  },
});
