/**
 * Plots: what a scenario is about. Each draws the settings of its conversations.
 *
 * `aims` are the rules whose trouble the plot is after, `near` those that must not be taken in by it. What is really true is
 * not said here: the oracle reads it from what happened.
 */
import { boxOf, PROXIES, proxyOf } from './boxes.mjs';
import { AUTH_SERVERS, draw, ESMTP_SERVERS, MTAS, over, TLS_SERVERS, USERS } from './draw.mjs';
import { message } from './message.mjs';

const one = (settings) => [settings];
const noChunks = { plan: { habits: { bdat: false } } };

/** Behind a box whose `changes` are put over what its kind does. */
function behind(random, name, settings, changes) {
  const box = boxOf(random, name, changes);
  const sameStack = random.chance(0.15);
  return over(settings, {
    ...noChunks,
    box,
    boxStack: {
      ttl: sameStack ? 64 : random.pick([255, 255, 254, 32]),
      window: random.pick([4096, 8192, 0]),
      dontFragment: random.chance(0.3),
    },
  });
}

const SPLITS = ['CRLF|.CRLF', 'CR|LF.CRLF', 'CRLF.|CRLF', 'CRLF.CR|LF'];
const asking = (random) =>
  random.some(['NOOP', 'VRFY postmaster', 'HELP', 'EXPN staff', 'ETRN example.com'], 0.4);

export const BOXED = {
  'mask greeting': {
    aims: ['banner-masked', 'sender-workaround'],
    make: (random) =>
      one(
        behind(
          random,
          random.pick([
            'starsOnly',
            'withCode',
            'pix6',
            'fwsm',
            'asa',
            'blanks',
            'hash',
            'xGreeting',
            'pix40',
            'pix51',
            'pix42',
          ]),
          draw(random),
        ),
      ),
  },
  'mask keywords': {
    aims: ['capability-masked', 'starttls-stripped', 'auth-dropped'],
    make: (random) => {
      const tls = random.chance(0.5);
      const settings = draw(random, {
        server: random.pick(tls ? TLS_SERVERS : ESMTP_SERVERS),
        auth: random.chance(0.3) ? 'anyway' : false,
      });
      const asks = random.chance(0.3) ? asking(random) : [];
      return one(
        behind(
          random,
          random.pick(['asa', 'asa', 'asaNoBanner', 'asaTls', 'lowerX', 'plainX', 'hash']),
          over(settings, {
            plan: { asks, tls: tls ? random.pick([true, 'anyway']) : false },
            serverSettings: { tls: true, auth: random.chance(0.5) },
          }),
        ),
      );
    },
  },
  'mask verbs': {
    aims: ['verb-masked', 'ehlo-rejected', 'verb-rejected'],
    make: (random) => {
      const settings = draw(random, {
        server: random.pick(ESMTP_SERVERS),
        client: random.pick(['postfix', 'exim', 'exchange2003', 'exchange2016', ...USERS]),
      });
      return one(
        behind(
          random,
          random.pick(['pix6', 'fwsm', 'ios', 'asa', 'asaNoBanner', 'lowerX', 'blanks']),
          over(settings, {
            plan: {
              workaround: false,
              asks: random.chance(0.5) ? ['VERB', 'NOOP'] : asking(random),
              tls: random.chance(0.4) ? 'anyway' : false,
            },
          }),
        ),
      );
    },
  },
  'swap for NOOP': {
    aims: ['verb-swallowed', 'verb-masked'],
    make: (random) =>
      one(
        behind(
          random,
          'pix51',
          over(
            draw(random, {
              server: random.pick(ESMTP_SERVERS),
              client: random.pick(['exim', 'exchange2003', ...USERS]),
            }),
            { plan: { workaround: false, asks: ['NOOP'] } },
          ),
        ),
      ),
  },
  'swallow verbs': {
    aims: ['verb-swallowed', 'reply-spoofed'],
    make: (random) => {
      const typed = random.chance(0.4);
      const settings = draw(random, { client: random.pick(['exim', 'exchange2003', ...USERS]) });
      if (!typed)
        return one(behind(random, 'pix40', over(settings, { plan: { pipelining: false, asks: ['NOOP'] } })));
      return one(
        behind(
          random,
          'pix40',
          over(settings, {
            typed: true,
            attempts: 1,
            plan: { typed: ['EHLO pc', 'goodmorning', 'HELO pc', 'NOOP', 'HELP', 'QUIT'] },
          }),
        ),
      );
    },
  },
  'refuse by its own stack': {
    aims: [
      'reply-spoofed',
      'ehlo-rejected',
      'verb-rejected',
      'starttls-stripped',
      'auth-dropped',
      'relay-denied-after-auth-dropped',
    ],
    make: (random) => {
      const how = random.pick(['pix42', 'oddRefusal', 'oddRefusal']);
      const settings = draw(random, {
        server: random.pick(AUTH_SERVERS),
        client: random.pick(['postfix', 'exim', ...USERS]),
        foreign: random.chance(0.7),
      });
      const asks = random.chance(0.5) ? ['NOOP', 'RSET'] : [];
      return one(
        behind(
          random,
          how,
          over(settings, {
            plan: {
              workaround: false,
              pipelining: false,
              asks,
              auth: !!random.chance(0.7),
              tls: !!random.chance(0.4),
            },
            serverSettings: { auth: true, tls: true },
          }),
        ),
      );
    },
  },
  'remove keywords': {
    aims: [
      'capability-removed',
      'starttls-stripped',
      'auth-dropped',
      'relay-denied-after-auth-dropped',
      '8bitmime-unadvertised',
    ],
    view: 'both',
    make: (random) => {
      const settings = draw(random, {
        server: random.pick(AUTH_SERVERS),
        foreign: random.chance(0.5),
        kind: random.chance(0.4) ? 'eight-bit' : undefined,
      });
      return one(
        behind(
          random,
          'remover',
          over(settings, {
            plan: { auth: true, tls: !!random.chance(0.4) },
            serverSettings: { auth: true, tls: true },
          }),
        ),
      );
    },
  },
  'links of Exchange': {
    aims: ['link2state-dropped'],
    make: (random) =>
      one(
        behind(
          random,
          random.pick(['asa', 'asaNoBanner', 'plainX', 'oddRefusal', 'pix42']),
          over(draw(random, { client: 'exchange2003', server: 'exchange2003' }), {
            plan: { links: true, linksAnyway: random.chance(0.4) },
          }),
        ),
      ),
  },
  'eight bits': {
    aims: ['8bitmime-rejected', '8bitmime-unadvertised'],
    make: (random) =>
      one(
        behind(
          random,
          random.pick(['pix42', 'fwsm', 'pix6', 'pix42']),
          over(
            draw(random, {
              client: random.pick(['exim', 'smtplib', 'exchange2003']),
              server: random.pick(['exchange2003', 'exchange2003', 'postfix']),
              kind: 'eight-bit',
            }),
            { plan: { workaround: false } },
          ),
        ),
      ),
  },
  'remove 8BITMIME': {
    aims: ['8bitmime-unadvertised', '8bitmime-rejected'],
    view: 'both',
    make: (random) =>
      one(
        behind(
          random,
          'starsOnly',
          draw(random, {
            server: random.pick(['exchange2003', 'postfix', 'qmail', 'exim']),
            kind: 'eight-bit',
          }),
          { greeting: null, keywords: (word) => word !== '8BITMIME', mask: 'remove' },
        ),
      ),
  },
  'stalled greeting': {
    aims: ['greeting-stalled'],
    make: (random) => {
      const settings = draw(random);
      const lines = [
        `${settings.host} ESMTP`,
        'No unsolicited mail here.',
        ...(random.chance(0.5) ? ['All connections are logged.'] : []),
      ];
      return one(
        behind(
          random,
          random.pick(['starsOnly', 'fwsm']),
          over(settings, { attempts: 2, serverSettings: { greeting: lines } }),
          { laterLines: 'first', greeting: random.pick(['keep-2-0', { char: '*' }]) },
        ),
      );
    },
  },
  'split end dropped': {
    aims: ['end-of-data-split', 'end-of-data-unacknowledged'],
    make: (random) =>
      one(
        behind(
          random,
          random.pick(['starsOnly', 'pix6', 'asa']),
          over(draw(random), {
            attempts: 4,
            plan: { ending: (attempt) => (attempt < 3 ? random.pick(SPLITS) : 'whole') },
          }),
          { split: 'drop' },
        ),
      ),
  },
  'split end reset': {
    aims: ['end-of-data-split', 'reset-in-session'],
    make: (random) => {
      const split = random.pick(SPLITS);
      return one(
        behind(
          random,
          random.pick(['starsOnly', 'asa', 'ios']),
          over(draw(random), { attempts: 4, plan: { ending: () => split } }),
          { split: 'reset' },
        ),
      );
    },
  },
  'end lost': {
    aims: ['end-of-data-unacknowledged'],
    make: (random) =>
      one(
        behind(random, random.pick(['starsOnly', 'ios', 'pix6']), over(draw(random), { attempts: 4 }), {
          loseEnds: random.whole(1, 3),
        }),
      ),
  },
  'final reply lost': {
    aims: ['end-of-data-unacknowledged', 'duplicate-delivery'],
    make: (random) =>
      one(
        behind(
          random,
          random.pick(['starsOnly', 'ios', 'pix6', 'asa']),
          over(draw(random, { client: random.pick(MTAS), mails: 1 }), { attempts: 5 }),
          { loseReplies: random.whole(1, 4) },
        ),
      ),
  },
  damage: {
    aims: ['attachment-damaged'],
    make: (random) =>
      one(
        behind(
          random,
          random.pick(['starsOnly', 'ios', 'asa']),
          draw(random, { kind: 'attachment', size: random.whole(4000, 30_000) }),
          { damage: random.pick(['X', '*', '*', 'NUL', 'text']) },
        ),
      ),
  },
  'signature broken': {
    aims: ['dkim-body-mismatch'],
    view: 'inside',
    make: (random) => {
      const settings = draw(random, {
        client: random.pick(['postfix', 'sendmail', 'qmail']),
        mails: 2,
        kind: 'attachment',
        size: random.whole(4000, 9000),
        signed: true,
      });
      return one(behind(random, 'starsOnly', settings, { damage: random.pick(['X', '*', 'text']) }));
    },
  },
  'eight bits cleared': {
    aims: ['attachment-damaged'],
    view: 'both',
    make: (random) =>
      one(behind(random, 'starsOnly', draw(random, { kind: 'eight-bit' }), { damage: 'seven-bit' })),
  },
  limits: {
    aims: ['inspection-limit'],
    make: (random) => {
      const which = random.pick(['recipients', 'header', 'file-name', 'command', 'sender']);
      let settings = draw(random, {
        client: random.pick(['postfix', 'sendmail', 'smtplib', 'swaks', 'qmail']),
        mails: 1,
        kind: which === 'file-name' ? 'attachment' : 'text',
        headers:
          which === 'header'
            ? [`x-cr-hashedpuzzle: ${random.text('ABCDEFabcdef0123', random.whole(1000, 1400))}`]
            : [],
      });
      const [mail] = settings.plan.mails;
      if (which === 'recipients')
        mail.envelope.to = Array.from(
          { length: random.whole(105, 130) },
          (_, index) => `user${index}@${settings.domain}`,
        );
      if (which === 'sender')
        mail.envelope.from = `${random.text('abcdef', random.whole(330, 420))}@example.net`;
      if (which === 'command')
        settings = over(settings, {
          plan: { asks: [`NOOP ${random.text('abcdef', random.whole(520, 900))}`] },
        });
      if (which === 'file-name')
        mail.octets = Buffer.from(
          mail.octets
            .toString('latin1')
            .replace(/filename="[^"]+"/, `filename="${random.text('abcdefgh', random.whole(258, 300))}.pdf"`),
          'latin1',
        );
      return one(behind(random, 'asa', over(settings, { attempts: random.whole(1, 3) }), { limits: true }));
    },
  },
  'typed behind a box': {
    aims: ['char-mode-telnet'],
    make: (random) => {
      const settings = over(draw(random), {
        typed: true,
        attempts: 1,
        clientStack: random.pick(['windows', 'linux']),
        plan: { keys: true, typed: ['HELO pc7', 'NOOP', 'QUIT'], patienceMs: random.pick([40_000, 90_000]) },
      });
      if (random.chance(0.5))
        return one(
          behind(random, 'starsOnly', settings, {
            greeting: random.pick(['keep-2-0', { char: '*' }]),
            eatsSingles: true,
          }),
        );
      return one(behind(random, random.pick(['asa', 'pix6']), settings, { maskWholeLine: true }));
    },
  },
  'TLS broken': {
    aims: ['tls-handshake-broken'],
    make: (random) =>
      one(
        behind(
          random,
          random.pick(['asaTls', 'starsOnly']),
          over(
            draw(random, {
              server: random.pick(TLS_SERVERS),
              client: random.pick(['postfix', 'exim', 'exchange2016', ...USERS]),
            }),
            { attempts: 2, plan: { workaround: false, tls: 'anyway' }, serverSettings: { tls: true } },
          ),
          { tls: random.pick(['mask', 'drop', 'drop']) },
        ),
      ),
  },
  'greeting dropped': {
    aims: ['greeting-missing'],
    make: (random) =>
      one(
        behind(random, 'starsOnly', over(draw(random), { attempts: 3 }), {
          greeting: null,
          dropsGreeting: true,
        }),
      ),
  },
  blocked: {
    aims: ['connection-blocked'],
    view: 'outside',
    make: (random) =>
      one(
        over(draw(random), {
          attempts: random.whole(2, 4),
          packetBox: { block: random.pick(['silent', 'reset', 'icmp']) },
          boxStack: { ttl: 255 },
        }),
      ),
  },
  'too big for the MSS': {
    aims: ['segment-over-mss'],
    make: (random) =>
      one(
        over(draw(random, { kind: 'attachment', size: 20_000 }), {
          ...noChunks,
          attempts: 2,
          clientTcp: { ignoresMss: 1448 },
          serverTcp: { mss: random.pick([1380, 1360, 1300]) },
          packetBox: { overMss: true },
        }),
      ),
  },
  'numbers rewritten, SACK not': {
    aims: ['sack-impossible'],
    make: (random) =>
      one(
        over(
          draw(random, {
            kind: 'attachment',
            size: 40_000,
            server: random.pick(['postfix', 'exim', 'exchange2016']),
            client: random.pick(['postfix', 'exim', 'exchange2016', 'sendmail']),
          }),
          { far: { loss: random.between(3, 9) }, translation: { randomises: true, keepsSack: true } },
        ),
      ),
  },
  'reset forged': {
    aims: ['reset-forged'],
    make: (random) =>
      one(
        over(draw(random), {
          packetBox: { forgedReset: random.whole(4, 9) },
          boxStack: { ttl: random.pick([255, 250, 200]) },
          plan: { abrupt: null },
        }),
      ),
  },
  'reset at one step': {
    aims: ['reset-in-session'],
    make: (random) => {
      const body = random.chance(0.5);
      const settings = draw(random, { client: random.pick(MTAS), kind: 'attachment', size: 20_000 });
      return one(
        behind(
          random,
          random.pick(['starsOnly', 'ios']),
          over(settings, { attempts: 4 }),
          body
            ? { resetAt: 'body', resetAfter: random.whole(2000, 9000) }
            : { resetAt: random.pick(['MAIL', 'RCPT']) },
        ),
      );
    },
  },
  'EHLO becomes HELO': {
    aims: ['verb-rewritten'],
    view: 'both',
    make: (random) =>
      one(
        behind(
          random,
          'heloRewriter',
          draw(random, {
            server: random.pick(ESMTP_SERVERS),
            client: random.pick(['postfix', 'exim', 'exchange2016', ...USERS]),
          }),
        ),
      ),
  },
  proxy: {
    aims: ['banner-proxy'],
    make: (random) =>
      one(
        behind2(
          random,
          proxyOf(random, random.pick(Object.keys(PROXIES))),
          draw(random, { client: random.pick(['exim', ...USERS]) }),
        ),
      ),
  },
  'one answers for three': {
    aims: ['proxy-in-path'],
    view: 'outside',
    make: (random) => {
      const first = over(draw(random, { client: random.pick(MTAS), server: 'smtpServer' }), { attempts: 1 });
      return [0, 1, 2].map((index) => {
        const serverIp = [0xc0000200, 0xcb007100, 0xc6336400][index] + random.whole(2, 250);
        const dotted = [24, 16, 8, 0].map((shift) => (serverIp >>> shift) & 255).join('.');
        return over(first, {
          startUs: first.startUs + index * 40_000_000,
          serverIp,
          host: `mx.${['example.com', 'example.org', 'example.net'][index]}`,
          proxied: true,
          far: { delayUs: 300, hops: 0 },
          near: { delayUs: 300, hops: 0 },
          between: { hops: 0 },
          serverSettings: {
            refuse: {
              connection: `421 Cannot connect to SMTP server ${dotted} (${dotted}:25), connect error 10060`,
            },
          },
        });
      });
    },
  },
  'black hole': {
    aims: ['path-mtu-black-hole'],
    make: (random) =>
      one(
        over(
          draw(random, {
            kind: 'attachment',
            size: 30_000,
            client: random.pick(['postfix', 'exim', 'sendmail', 'exchange2016']),
          }),
          {
            ...noChunks,
            attempts: 2,
            clientTcp: { tries: 6 },
            between: { mtu: random.pick([1400, 1420, 1300]), silent: true },
            plan: { pauseMs: 0 },
          },
        ),
      ),
  },
  'verbs dropped': {
    aims: [],
    make: (random) =>
      one(
        behind(random, 'starsOnly', draw(random, { client: random.pick(['exim', ...USERS]) }), {
          verbs: [
            'EHLO',
            'HELO',
            'MAIL',
            'RCPT',
            'DATA',
            'QUIT',
            'RSET',
            'STARTTLS',
            'AUTH',
            'BDAT',
            'NOOP',
          ].filter((verb) => verb !== random.pick(['EHLO', 'MAIL', 'QUIT'])),
          forbidden: 'drop',
        }),
      ),
  },
};

function behind2(random, box, settings) {
  return over(settings, { ...noChunks, box, attempts: 1, boxStack: { ttl: random.pick([255, 64]) } });
}

/** Nothing stands in the way. `near` are the rules that such a session could be mistaken for. */
export const HONEST = {
  plain: {
    near: ['banner-proxy', 'verb-masked', 'greeting-stalled', 'capability-removed'],
    make: (random) => draw(random),
  },
  'box frames in the greeting': {
    near: ['banner-masked', 'greeting-stalled'],
    make: (random) => {
      const settings = draw(random);
      const width = random.whole(12, 60);
      return over(settings, {
        serverSettings: {
          greeting: ['*'.repeat(width), `${settings.host} ESMTP, no unsolicited mail`, '*'.repeat(width)],
        },
      });
    },
  },
  'short greeting': {
    near: ['banner-masked', 'greeting-missing'],
    make: (random) =>
      over(draw(random), {
        serverSettings: { greeting: [random.pick(['2002', '', 'OK', '-- 20 --', '* mx *'])] },
      }),
  },
  'product names': {
    near: ['banner-proxy'],
    make: (random) => {
      const settings = draw(random);
      return over(settings, {
        serverSettings: {
          greeting: [
            `${random.pick(['checkpoint', 'watchguard', 'avast-museum', 'raptor', 'barracuda'])}.${settings.domain} ESMTP ready`,
          ],
        },
      });
    },
  },
  'own keywords with X': {
    near: ['capability-masked', 'link2state-dropped'],
    make: (random) => draw(random, { server: random.pick(['courier', 'exchange2016', 'exchange2003']) }),
  },
  'no ESMTP': {
    near: [
      'ehlo-rejected',
      'verb-rejected',
      'auth-dropped',
      'starttls-stripped',
      'capability-removed',
      'verb-swallowed',
      '8bitmime-unadvertised',
    ],
    make: (random) =>
      draw(random, { server: 'plain821', client: random.pick(['postfix', 'exim', ...USERS]) }),
  },
  'HELO only': {
    near: ['ehlo-rejected', 'verb-rewritten', 'sender-workaround', 'verb-swallowed'],
    make: (random) => draw(random, { client: 'qmail' }),
  },
  'asks what is refused': {
    near: ['verb-rejected', 'verb-masked', 'verb-swallowed', 'ehlo-rejected'],
    make: (random) =>
      over(draw(random), {
        plan: {
          asks: [
            'NOOP',
            ...random.some(
              ['VRFY root', 'EXPN staff', 'HELP', 'ETRN example.org', 'XTND', 'FOO', 'VERB'],
              0.5,
            ),
          ],
        },
        serverSettings: { disabled: random.some(['VRFY', 'EXPN', 'HELP', 'ETRN'], 0.4) },
      }),
  },
  greylisting: {
    near: ['duplicate-delivery', 'end-of-data-unacknowledged', 'connection-blocked'],
    make: (random) =>
      over(draw(random, { client: random.pick(MTAS) }), {
        perAttempt: (attempt) => (attempt === 0 ? { refuse: { rcpt: 'later' } } : {}),
      }),
  },
  'message deferred': {
    near: ['duplicate-delivery', 'end-of-data-split', 'end-of-data-unacknowledged'],
    make: (random) =>
      over(draw(random, { client: random.pick(MTAS) }), {
        ...noChunks,
        plan: { habits: { bdat: false }, ending: random.pick(['whole', ...SPLITS]) },
        perAttempt: (attempt) =>
          attempt === 0
            ? {
                refuse: {
                  message: random.pick([
                    '451 4.3.0 Try again later',
                    '452 4.3.1 Insufficient system storage',
                    '450 4.7.1 greylisted',
                  ]),
                },
              }
            : {},
      }),
  },
  'message refused': {
    near: ['8bitmime-rejected', 'attachment-damaged', 'end-of-data-unacknowledged'],
    make: (random) =>
      over(draw(random, { kind: random.pick(['attachment', 'text', 'html']) }), {
        serverSettings: {
          refuse: {
            message: random.pick([
              '554 5.7.1 Message rejected as spam',
              '552 5.3.4 Message size exceeds fixed limit',
              '550 5.6.0 Message contains a virus',
            ]),
          },
        },
      }),
  },
  'relay refused': {
    near: ['relay-denied-after-auth-dropped', 'auth-dropped'],
    make: (random) =>
      over(draw(random, { foreign: true, server: random.pick(AUTH_SERVERS) }), {
        serverSettings: { auth: random.chance(0.6), tls: random.chance(0.4) },
      }),
  },
  'logs in': {
    near: ['auth-dropped', 'relay-denied-after-auth-dropped', 'starttls-stripped'],
    make: (random) =>
      over(
        draw(random, {
          client: random.pick(USERS),
          server: random.pick(AUTH_SERVERS),
          foreign: true,
          auth: true,
        }),
        { serverSettings: { auth: true, authFails: random.chance(0.25) } },
      ),
  },
  TLS: {
    near: ['tls-handshake-broken', 'starttls-stripped', 'capability-removed'],
    make: (random) =>
      over(draw(random, { server: random.pick(TLS_SERVERS) }), {
        plan: { tls: true },
        serverSettings: { tls: true },
      }),
  },
  'TLS wanted, not offered': {
    near: ['starttls-stripped', 'tls-handshake-broken', 'verb-rejected'],
    make: (random) =>
      over(draw(random), {
        attempts: 1,
        plan: { tls: random.pick([true, 'anyway']), needsTls: random.chance(0.5) },
        serverSettings: { tls: false },
      }),
  },
  newsletter: {
    near: ['duplicate-delivery'],
    make: (random) => {
      const settings = draw(random, { client: random.pick(MTAS), mails: 1 });
      const [mail] = settings.plan.mails;
      const mails = Array.from({ length: random.whole(2, 4) }, (_, index) => {
        const envelope = { ...mail.envelope, to: [`reader${index}@${settings.domain}`] };
        return random.chance(0.5) ? { ...mail, envelope } : message(random, envelope, 'text');
      });
      return over(settings, { plan: { mails, resets: random.chance(0.3) } });
    },
  },
  'typed by hand': {
    near: ['char-mode-telnet', 'verb-masked', 'verb-rejected', 'sender-workaround'],
    make: (random) => {
      const settings = draw(random, { client: 'swaks' });
      const typed = [
        random.pick(['HELO pc7', 'EHLO pc7', 'helo me']),
        ...random.some(['NOOP', 'HELP', 'VRFY root', 'goodmorning'], 0.4),
        `MAIL FROM:<a@example.net>`,
        `RCPT TO:<info@${settings.domain}>`,
        'DATA',
        'QUIT',
      ];
      return over(settings, {
        typed: true,
        attempts: 1,
        clientStack: random.pick(['windows', 'linux', 'bsd']),
        plan: { typed, keys: random.chance(0.5) },
      });
    },
  },
  'slow server': {
    near: ['greeting-missing', 'greeting-stalled', 'connection-blocked', 'end-of-data-unacknowledged'],
    make: (random) =>
      over(draw(random, { client: random.pick(MTAS) }), {
        serverSettings: {
          greetMs: random.whole(5_000, 100_000),
          thinkMs: random.whole(200, 5000),
          endMs: random.whole(2_000, 100_000),
        },
      }),
  },
  'busy server': {
    near: ['reset-in-session', 'proxy-in-path', 'greeting-missing', 'connection-blocked'],
    make: (random) =>
      over(draw(random), {
        attempts: 3,
        perAttempt: (attempt) =>
          attempt === 0
            ? random.pick([
                { refuse: { connection: '421 4.7.0 Try again later, closing connection' } },
                { refuse: { connection: '554 5.7.1 Service unavailable; client host blocked' } },
                { closesAfter: random.whole(1, 3) },
              ])
            : {},
      }),
  },
  'DATA refused': {
    near: ['end-of-data-unacknowledged', 'verb-rejected', '8bitmime-rejected'],
    make: (random) =>
      over(draw(random, { client: random.pick(['postfix', 'sendmail', 'exchange2003', 'qmail']) }), {
        attempts: 1,
        plan: { habits: { bdat: false } },
        serverSettings: {
          refuse: {
            data: random.pick([
              '451 4.3.0 Try again later',
              '554 5.5.1 Error: no valid recipients',
              '550 5.7.1 Blocked',
            ]),
          },
        },
      }),
  },
  'unknown users': {
    near: ['relay-denied-after-auth-dropped', 'verb-rejected'],
    make: (random) => {
      const settings = draw(random);
      for (const mail of settings.plan.mails)
        mail.envelope.to = [`nobody${random.whole(1, 99)}@${settings.domain}`];
      return settings;
    },
  },
  'eight bits announced': {
    near: ['8bitmime-rejected', '8bitmime-unadvertised', 'attachment-damaged', 'ndr-8bitmime'],
    make: (random) =>
      draw(random, {
        kind: 'eight-bit',
        server: random.pick(['postfix', 'exim', 'exchange2003', 'exchange2016', 'haraka', 'opensmtpd']),
        client: random.pick(['postfix', 'smtplib', 'sendmail', 'exchange2003']),
      }),
  },
  attachments: {
    near: [
      'attachment-damaged',
      'inspection-limit',
      'dkim-body-mismatch',
      'segment-over-mss',
      'path-mtu-black-hole',
    ],
    make: (random) =>
      draw(random, { kind: 'attachment', size: random.whole(3000, 30_000), signed: random.chance(0.5) }),
  },
  signed: {
    near: ['dkim-body-mismatch'],
    make: (random) =>
      draw(random, { kind: random.pick(['text', 'html', 'attachment', 'stars']), signed: true }),
  },
  'near the limits': {
    near: ['inspection-limit', 'reset-in-session'],
    make: (random) => {
      const settings = draw(random, {
        mails: 1,
        headers: [`X-Long: ${random.text('abcdef', random.whole(900, 1300))}`],
      });
      if (random.chance(0.4))
        settings.plan.mails[0].envelope.to = Array.from(
          { length: random.whole(90, 120) },
          (_, index) => `user${index}@${settings.domain}`,
        );
      return settings;
    },
  },
  'lossy path': {
    near: [
      'end-of-data-unacknowledged',
      'sack-impossible',
      'reply-spoofed',
      'path-mtu-black-hole',
      'segment-over-mss',
      'reset-forged',
    ],
    make: (random) =>
      over(draw(random), {
        far: { loss: random.between(0.5, 5), reorder: random.chance(0.5) ? random.between(1, 10) : 0 },
        near: { loss: random.chance(0.5) ? random.between(0.5, 4) : 0 },
      }),
  },
  'bit errors': {
    near: [
      'attachment-damaged',
      'verb-masked',
      'capability-masked',
      'verb-rejected',
      'dkim-body-mismatch',
      'banner-masked',
    ],
    make: (random) =>
      over(draw(random), {
        far: { errors: random.between(2, 15) },
        near: { errors: random.chance(0.5) ? random.between(2, 12) : 0 },
      }),
  },
  'narrow path that says so': {
    near: ['path-mtu-black-hole', 'segment-over-mss', 'end-of-data-unacknowledged'],
    make: (random) =>
      over(draw(random, { kind: 'attachment', size: random.whole(4000, 20_000) }), {
        far: { mtu: random.pick([1400, 1300, 1420]), router: 0xc0000201 },
      }),
  },
  translated: {
    near: ['sack-impossible', 'reply-spoofed', 'proxy-in-path', 'reset-forged'],
    make: (random) =>
      over(draw(random), {
        publicIp: 0xcb007109,
        translation: {
          server: 0x0a000119,
          port: random.chance(0.5),
          randomises: random.chance(0.5),
          keepsSack: false,
        },
        far: { loss: random.chance(0.4) ? 3 : 0 },
      }),
  },
  'resets after QUIT': {
    near: ['reset-in-session', 'reset-forged', 'end-of-data-unacknowledged'],
    make: (random) => over(draw(random), { plan: { abrupt: 'reset-after-quit' } }),
  },
  'closes without QUIT': {
    near: ['reset-in-session', 'end-of-data-unacknowledged', 'duplicate-delivery'],
    make: (random) => over(draw(random), { plan: { abrupt: random.pick(['close', 'abort']) } }),
  },
  'nothing listens': {
    near: ['connection-blocked', 'reset-in-session', 'reset-forged'],
    make: (random) => over(draw(random), { attempts: 1, nothingListens: true }),
  },
  'splits that succeed': {
    near: ['end-of-data-split', 'end-of-data-unacknowledged', 'sender-workaround'],
    make: (random) =>
      over(draw(random), {
        plan: { habits: { bdat: false }, ending: random.pick(SPLITS), endPauseMs: random.whole(40, 3000) },
      }),
  },
  'Exchange to Exchange': {
    near: ['link2state-dropped', 'verb-rejected', 'auth-dropped', 'capability-masked'],
    make: (random) =>
      over(draw(random, { client: 'exchange2003', server: 'exchange2003' }), { plan: { links: true } }),
  },
};

/** Troubles that no box has made: they are to be reported all the same, as what they are. */
export const UNBOXED = {
  'report of a delivery': {
    aims: ['ndr-8bitmime'],
    make: (random) =>
      one(
        over(draw(random, { kind: 'report', client: random.pick(MTAS), mails: 1 }), {
          plan: { habits: { bdat: false } },
        }),
      ),
  },
  'scan outlasts the client': {
    aims: ['duplicate-delivery', 'end-of-data-unacknowledged'],
    make: (random) =>
      one(
        over(
          draw(random, {
            client: random.pick(['postfix', 'exim', 'exchange2003', 'exchange2016']),
            mails: 1,
          }),
          {
            attempts: random.whole(2, 4),
            plan: { habits: { bdat: false } },
            perAttempt: (attempt) => (attempt < 2 ? { endMs: 700_000 } : {}),
          },
        ),
      ),
  },
  'server dies at the end': {
    aims: ['end-of-data-unacknowledged'],
    make: (random) =>
      one(
        over(draw(random, { client: random.pick(MTAS), mails: 1 }), {
          attempts: random.whole(1, 3),
          plan: { habits: { bdat: false } },
          serverSettings: { abortsAtEnd: true },
        }),
      ),
  },
  'server never greets': {
    aims: ['greeting-missing'],
    make: (random) =>
      one(
        over(draw(random, { client: random.pick(MTAS) }), {
          attempts: 2,
          serverSettings: { neverGreets: true },
        }),
      ),
  },
  'works around a mask': {
    aims: ['sender-workaround', 'banner-masked'],
    make: (random) =>
      one(
        over(
          behind(random, 'starsOnly', draw(random, { client: 'postfix', mails: 1 }), {
            greeting: random.pick(['keep-2-0', { char: '*' }]),
            loseEnds: 1,
          }),
          { attempts: 3 },
        ),
      ),
  },
  'shown to some': {
    aims: ['capability-removed'],
    view: 'outside',
    make: (random) => {
      const first = over(
        draw(random, {
          server: random.pick(TLS_SERVERS),
          client: random.pick(['postfix', 'exim', 'smtplib']),
        }),
        { attempts: 1, serverSettings: { tls: true } },
      );
      const stripped = behind(random, 'starsOnly', first, {
        greeting: null,
        keywords: (word) => word !== 'STARTTLS',
        mask: 'remove',
      });
      return [0, 1, 2, 3].map((index) =>
        over(index % 2 === 0 ? first : { ...stripped }, {
          clientIp: 0xc6336400 + 10 + index,
          startUs: first.startUs + index * 7_000_000,
          random: random.fork(),
        }),
      );
    },
  },
};
