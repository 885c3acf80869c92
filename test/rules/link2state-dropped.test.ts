import { expect, it } from 'vitest';
import { link2stateDropped } from '../../src/rules/link2state-dropped.js';
import { findings } from '../support/dialogue.js';
import { HONEST, ruleTable, V4 } from '../support/rule-table.js';

it('V4: three verbs of Exchange are hidden', async () => {
  const found = await findings(V4, [link2stateDropped]);
  expect(found.map((finding) => finding.args.verb).sort()).toEqual(['X-EXPS', 'X-LINK2STATE', 'XEXCH50']);
});

const offer =
  'S: 220 mail.example ESMTP\nC: EHLO a.example\nS: 250-mail.example\nS+ 250-X-LINK2STATE\nS+ 250 X-EXPS LOGIN';
const bye = 'C: QUIT\nS: 221 Bye';

ruleTable(link2stateDropped, {
  speaks: {
    'at the server: twelve X’s': {
      script: `${offer}\nC: XXXXXXXXXXXX\nS: 500 what\n${bye}`,
      gives: { confidence: 'likely', args: { verb: 'X-LINK2STATE' } },
    },
    'offered and refused': {
      script: `${offer}\nC: X-LINK2STATE LAST CHUNK={1}\nS: 500 what\n${bye}`,
      gives: { confidence: 'likely', args: { how: 'refused' } },
    },
  },
  silent: {
    'twelve X’s in a spoiled TLS record':
      'S: 220 mail.example ESMTP\nC: STARTTLS\nS: 220 go\nC~ XXXXXXXX\\nXXXXXXXXXXXX\nS~ \\x15\\x03\\x01\\x00\\x02\\x02\\x46\nfin',
    'an honest server': HONEST,
    'carried and answered': `${offer}\nC: X-LINK2STATE LAST CHUNK={1}\nS: 200 LAST CHUNK={1}\n${bye}`,
    'authentication that fails': `${offer}\nC: X-EXPS LOGIN\nS: 535 5.7.3 no\n${bye}`,
    'not offered': `S: 220 x\nC: EHLO a\nS: 250 mail.example\nC: X-LINK2STATE LAST CHUNK={1}\nS: 500 what\n${bye}`,
  },
});
