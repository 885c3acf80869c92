/** The boxes: those that documents describe, and some that none does. */
import { ASA_KEYWORDS, ASA_VERBS, Inspector, KEEP_20, PIX_VERBS } from './inspection.mjs';

const stars = { char: '*' };

export const BOXES = {
  pix40: () => ({ greeting: 'cmap', verbs: PIX_VERBS, forbidden: 'ok' }),
  pix42: () => ({
    greeting: stars,
    verbs: PIX_VERBS,
    forbidden: 'refuse',
    refusal: '500 Command unrecognized',
  }),
  pix51: (random) => ({
    greeting: KEEP_20,
    verbs: PIX_VERBS,
    forbidden: 'noop',
    masksBlank: random.chance(0.3),
  }),
  pix6: (random) => ({
    greeting: KEEP_20,
    verbs: PIX_VERBS,
    forbidden: 'X',
    maskWholeLine: random.chance(0.5),
  }),
  fwsm: () => ({ greeting: stars, verbs: PIX_VERBS, forbidden: 'X' }),
  ios: () => ({ verbs: ASA_VERBS, forbidden: 'x', maskWholeLine: false }),
  asa: (random) => ({
    greeting: random.chance(0.8) ? KEEP_20 : null,
    verbs: ASA_VERBS,
    forbidden: 'X',
    keywords: ASA_KEYWORDS,
    mask: 'letter',
  }),
  asaNoBanner: () => ({ verbs: ASA_VERBS, forbidden: 'X', keywords: ASA_KEYWORDS, mask: 'letter' }),
  asaTls: () => ({
    greeting: KEEP_20,
    verbs: [...ASA_VERBS, 'STARTTLS'],
    forbidden: 'X',
    keywords: [...ASA_KEYWORDS, 'STARTTLS'],
    mask: 'letter',
  }),
  starsOnly: (random) => ({ greeting: random.pick([KEEP_20, stars, 'keep-blanks']) }),
  withCode: () => ({ greeting: 'with-code' }),
  blanks: () => ({ greeting: 'keep-blanks', verbs: PIX_VERBS, forbidden: 'X' }),
  hash: () => ({
    greeting: { char: '#' },
    verbs: ASA_VERBS,
    forbidden: 'X',
    keywords: ASA_KEYWORDS,
    mask: 'X',
  }),
  xGreeting: () => ({ greeting: { char: 'X' }, keywords: ASA_KEYWORDS, mask: 'x' }),
  lowerX: () => ({ keywords: ASA_KEYWORDS, mask: 'x', verbs: ASA_VERBS, forbidden: 'x' }),
  plainX: () => ({ keywords: ASA_KEYWORDS, mask: 'X', verbs: ASA_VERBS, forbidden: 'X' }),
  oddRefusal: (random) => ({
    verbs: [...PIX_VERBS, 'EHLO'],
    forbidden: 'refuse',
    refusal: random.pick([
      '500 Not permitted by policy',
      '502 command disabled',
      '500 %v: unknown',
      '502 5.5.1 Not implemented here',
      '500 Unsupported command.',
    ]),
  }),
  remover: (random) => {
    const gone = random.pick([
      ['STARTTLS'],
      ['STARTTLS', 'AUTH'],
      ['AUTH'],
      ['PIPELINING', 'CHUNKING'],
      ['8BITMIME', 'CHUNKING'],
      ['STARTTLS', 'CHUNKING', 'PIPELINING'],
    ]);
    return { keywords: (word) => !gone.includes(word), mask: 'remove' };
  },
  heloRewriter: () => ({ verbs: ASA_VERBS.filter((verb) => verb !== 'EHLO'), forbidden: 'helo' }),
};

export function boxOf(random, name, changes = {}) {
  const inspector = new Inspector({ ...BOXES[name](random), ...changes });
  inspector.name = name;
  return inspector;
}

export const PROXIES = {
  checkpoint: {
    greeting: '220 CheckPoint FireWall-1 secure ESMTP server',
    refusal: '500 Command not recognized',
  },
  raptor: { greeting: '220 gw.example.com Generic SMTP handler', refusal: '500 Command unrecognized' },
  smap: { greeting: '220 gw.example.com SMTP/smap Ready.', refusal: '500 Command unrecognized' },
  avast: { greeting: '220 gw.example.com avast! SMTP proxy ready.', refusal: '500 Unsupported command.' },
  genugate: { greeting: '220  ESMTP smtprelay service ready.', refusal: '500 command unrecognized' },
  pgp: { greeting: '220 proxied server greeted us with: (mx ESMTP Postfix)', refusal: '500 unknown command' },
};

/** Replaces the greeting by its own and refuses by itself what it does not know. */
export function proxyOf(random, name) {
  const { greeting, refusal } = PROXIES[name];
  const inspector = new Inspector({
    ownGreeting: greeting,
    verbs: [...PIX_VERBS, 'EHLO'],
    forbidden: 'refuse',
    refusal,
    keywords: (word) => !['STARTTLS', 'CHUNKING', 'PIPELINING'].includes(word),
    mask: random.chance(0.7) ? 'remove' : 'remove',
  });
  inspector.name = name;
  return inspector;
}
