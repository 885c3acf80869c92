import { duplicateDelivery } from '../../src/rules/duplicate-delivery.js';
import { attempt, HONEST, ruleTable } from '../support/rule-table.js';

const LOST = 'C! .\n@ +300\nrst C\n@ +1500';
const UNANSWERED = 'C: .\n@ +300\nfin C\n@ +1500';
const ACCEPTED = 'C: .\nS: 250 ok\nC: QUIT\nS: 221 x\nfin\n@ +1800';
const ACCEPTED_WHOLE = '.\\r\\n\nS: 250 ok\nC: QUIT\nS: 221 x\nfin';
const ACCEPTED_UNHEARD = 'C: .\nnoack C\nS: 250 ok\n@ +300\nfin C\n@ +1500';
const ACCEPTED_NOT_HEEDED = 'C: .\nS: 250 ok\n@ +1\nfin C\n@ +1500';
const ACCEPTED_SLOWLY = 'C: .\n@ +630\nS: 250 ok\nfin C\n@ +1200';
const RESET = 'C: .\nrst S\n@ +1800';
const RESET_LATE = 'C: .\n@ +300\nrst S\n@ +1500';
const LATER = 'C: .\nS: 451 later\nC: QUIT\nS: 221 x\nfin\n@ +1800';
const GAP = 'C: .\nS? 250 ok\nC: QUIT\nS: 221 x\nfin\n@ +1800';

ruleTable(duplicateDelivery, {
  speaks: {
    'V11, six attempts, each end lost': {
      script: Array.from({ length: 6 }, () => attempt({ end: LOST })).join('\n'),
      gives: {
        confidence: 'likely',
        args: { copies: 6, cause: 'end-lost', messageId: '<9@client.example>' },
        sessions: ['s1', 's2', 's3', 's4', 's5', 's6'],
      },
    },
    'more often than is counted': {
      script: Array.from({ length: 103 }, () => attempt({ end: LOST })).join('\n'),
      gives: { args: { copies: 100, atLeast: true } },
    },
    'each end acknowledged, no reply': {
      script: Array.from({ length: 5 }, () => attempt({ end: UNANSWERED })).join('\n'),
      gives: { confidence: 'likely', args: { copies: 5, cause: 'reply-lost' } },
    },
    'V12, split attempts fail and one in a single segment succeeds': {
      script: [attempt({ end: LOST }), attempt({ end: LOST }), attempt({ end: ACCEPTED_WHOLE })].join('\n'),
      gives: { args: { copies: 3, outcomes: ['unanswered', 'unanswered', 'accepted'] } },
    },
    'accepted and heard, and sent again: the sender did it': {
      script: [attempt({ end: ACCEPTED }), attempt({ end: ACCEPTED })].join('\n'),
      gives: {
        confidence: 'certain',
        args: {
          copies: 2,
          cause: 'sender',
          attempts: [
            's1 at +0 s, end split as CRLF|.CRLF, acknowledged by TCP, 250 after 0.0 s, closed by the client',
            's2 at +1800 s, end split as CRLF|.CRLF, acknowledged by TCP, 250 after 0.0 s, closed by the client',
          ],
        },
      },
    },
    'accepted at once, and the client never went on: the 250 was lost': {
      script: [attempt({ end: ACCEPTED_UNHEARD }), attempt({ end: ACCEPTED })].join('\n'),
      gives: { confidence: 'certain', args: { cause: 'reply-lost' } },
    },
    'accepted, acknowledged by the client’s TCP, and sent again: the sender did it': {
      script: [attempt({ end: ACCEPTED_NOT_HEEDED }), attempt({ end: ACCEPTED })].join('\n'),
      gives: { confidence: 'certain', args: { cause: 'sender' } },
    },
    'RFC 1047: accepted after minutes, when the client had gone': {
      script: [attempt({ end: ACCEPTED_SLOWLY }), attempt({ end: ACCEPTED })].join('\n'),
      gives: { confidence: 'certain', args: { cause: 'slow-acceptance' } },
    },
    'one copy was heard, the other not: the attempts do not agree': {
      script: [
        attempt({ end: ACCEPTED_UNHEARD }),
        attempt({ end: ACCEPTED }),
        attempt({ end: ACCEPTED }),
      ].join('\n'),
      gives: { confidence: 'certain', args: { copies: 3, cause: 'accepted-again' } },
    },
    'reset as soon as the split end came': {
      script: [attempt({ end: RESET }), attempt({ end: RESET }), attempt({ end: ACCEPTED_WHOLE })].join('\n'),
      gives: { confidence: 'likely', args: { copies: 3, cause: 'reset-on-split' } },
    },
    'reset long after the split end: the reply was lost': {
      script: [attempt({ end: RESET_LATE }), attempt({ end: ACCEPTED_WHOLE })].join('\n'),
      gives: { args: { cause: 'reply-lost' } },
    },
    'in two captures one after the other': {
      script: [attempt({ end: ACCEPTED }), `@ +3600\n${attempt({ end: ACCEPTED })}`],
      gives: { confidence: 'certain', args: { copies: 2 } },
    },
    'unanswered, then to another exchanger of the domain': {
      script: [attempt({ end: UNANSWERED }), attempt({ end: ACCEPTED, where: 'S=198.51.100.26:25' })].join(
        '\n',
      ),
      gives: { confidence: 'likely' },
    },
  },
  silent: {
    'an honest server': HONEST,
    'F14, greylisting: refused, then accepted': [attempt({ end: LATER }), attempt({ end: ACCEPTED })].join(
      '\n',
    ),
    'F14, one message to different recipients': [
      attempt({ end: ACCEPTED }),
      attempt({ end: ACCEPTED, to: 'c' }),
      attempt({ end: ACCEPTED, to: 'd' }),
    ].join('\n'),
    'F14, a newsletter: the same text, other Message-IDs': [
      attempt({ end: ACCEPTED }),
      attempt({ end: ACCEPTED, id: '<10@client.example>' }),
    ].join('\n'),
    'the same Message-ID, another text': [
      attempt({ end: ACCEPTED }),
      attempt({ end: ACCEPTED, text: 'hello again' }),
    ].join('\n'),
    'the same traffic in two captures': [attempt({ end: ACCEPTED }), attempt({ end: ACCEPTED })],
    'F11, the first reply is missing in the capture': [
      attempt({ end: GAP }),
      attempt({ end: ACCEPTED }),
    ].join('\n'),
    'a relay passes the message on': [
      attempt({ end: ACCEPTED }),
      attempt({ end: ACCEPTED, where: 'C=198.51.100.25:40100 S=203.0.113.25:25' }),
    ].join('\n'),
    'accepted, then handed to another server': [
      attempt({ end: ACCEPTED }),
      attempt({ end: ACCEPTED, where: 'S=198.51.100.26:25' }),
    ].join('\n'),
  },
});
