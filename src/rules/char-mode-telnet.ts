import { absenceDoubt, knownSilence } from '../facts/absence.js';
import { MISSING, TYPED } from '../facts/judging.js';
import { echoedMask, maskedCommand, sessionMask } from '../facts/mask.js';
import { IN_PIECES } from '../facts/session-flags.js';
import { sessionKeywords } from '../facts/templates.js';
import { foreignAcknowledgements } from '../facts/who-answered.js';
import { exchangeEvidence } from '../finding/evidence.js';
import type { Confidence } from '../finding/finding.js';
import type { SmtpExchange, SmtpSession } from '../smtp/session.js';
import type { Rule } from './rule.js';

/** Shorter lines may come in as many segments by chance. */
const MIN_OCTETS = 4;

/** RFC 5321 §4.5.1: every server has these, so that 500 or 502 to one of them is no answer to it. */
const EVERY_SERVER_HAS = new Set(['EHLO', 'HELO', 'MAIL', 'RCPT', 'DATA', 'RSET', 'NOOP', 'QUIT', 'VRFY']);

/** What a person sends to correct what was typed: the server then refuses a spoiled line by right. */
const EDITING = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/**
 * Commands arrive one octet per segment, as telnet sends them, and get lost or X'd.
 *
 * An inspection that edits packet by packet sees `H`, then `E`, and no command it knows: each becomes an `X` of its
 * own. The same command in one segment passes. RFC 5321 §4.1.1, Cisco document 113423.
 */
export const charModeTelnet: Rule = {
  meta: {
    id: 'char-mode-telnet',
    severity: 'low',
    title: 'Commands typed octet by octet are spoiled',
    summary:
      'A command arrives one octet per segment and is X’d, refused though every server has it, or never answered; without damage a note.',
    whyItMatters:
      'Who tests by telnet through such a firewall sees a server that refuses everything, though mail in whole lines passes.',
    remedy: [
      'Nothing on the firewall for mail’s sake: test with a client that sends whole lines (netcat, swaks, or `send` of a telnet client).',
      'To test by telnet: `no inspect esmtp` (PIX: `no fixup protocol smtp 25`) for that client.',
    ],
    references: ['KB 320027', 'Cisco 113423', 'RFC 5321 §4.1.1'],
    symptoms: ['kb320027/3'],
    staysSilent:
      'Lines in few segments, lines with editing keys in them, verbs that not every server has, gaps and one-sided captures.',
    verdict: { kind: 'consequence', order: 60, clause: 'commands typed octet by octet were spoiled' },
    cure: 'inspection-off',
    confirmedBy: null,
    changes: [],
    box: 'nothing',
    needs: { occasion: TYPED, doubts: MISSING },
  },
  create: (context) => ({
    heeds: IN_PIECES,
    session(session) {
      const typed = session.exchanges.filter(isTyped);
      if (typed.length === 0) return;
      const judged = typed.map((exchange) => ({ exchange, damage: damageOf(session, exchange) }));
      const worst = judged.find(({ damage }) => damage !== null) ?? judged[0]!;
      const { exchange, damage } = worst;
      const shown = exchange.line!.text.slice(0, 40);
      context.report({
        session,
        subject: damage === null ? 'typed' : 'spoiled',
        severity: damage === null ? 'info' : 'low',
        confidence: damage?.confidence ?? 'certain',
        message:
          damage === null
            ? `${typed.length === 1 ? 'A command' : `${typed.length} commands`} arrived one octet per segment, as telnet sends what is typed; nothing was spoiled.`
            : `"${shown}" arrived as ${exchange.line!.octets} octets in ${exchange.segments} segments and ${damage.what}.${damage.doubt}`,
        args: {
          octets: exchange.line!.octets,
          segments: exchange.segments,
          commands: typed.length,
          damage: damage?.kind ?? null,
        },
        evidence: exchangeEvidence(session, exchange, ['one octet per segment', 'the reply']),
        ...(damage === null && {
          symptoms: [],
          remedy: ['Nothing: somebody typed, and it worked.'],
        }),
      });
    },
  }),
};

function isTyped({ kind, line, segments, afterGap }: SmtpExchange): boolean {
  return (
    kind === 'command' && line !== null && !afterGap && line.octets >= MIN_OCTETS && segments >= line.octets
  );
}

/** Foreign acknowledgements that are no accident. */
const MIN_FOREIGN = 3;

interface Damage {
  readonly kind: 'masked' | 'echoed' | 'refused' | 'lost';
  readonly confidence: Confidence;
  readonly what: string;
  readonly doubt: string;
}

function damageOf(session: SmtpSession, exchange: SmtpExchange): Damage | null {
  const line = exchange.line!;
  if (line.checksum === 'invalid') return null;
  const second = sessionMask(session) !== null || sessionKeywords(session).length > 0;
  if (maskedCommand(exchange)) {
    const doubt = second ? '' : ' Somebody may also have typed X’s.';
    return { kind: 'masked', confidence: 'likely', what: 'every one of them is an X', doubt };
  }
  if (EDITING.test(line.text)) return null;
  if (echoedMask(exchange) !== null) {
    return { kind: 'echoed', confidence: 'certain', what: 'the refusal quotes X’s in its place', doubt: '' };
  }
  if (!EVERY_SERVER_HAS.has(exchange.verb)) return null;
  const code = exchange.reply?.code;
  if (code === 500 || (code === 502 && exchange.verb !== 'EHLO' && exchange.verb !== 'VRFY')) {
    const doubt = second
      ? ' The same session shows a mask.'
      : exchange.verb === 'EHLO'
        ? ' A server without ESMTP refuses EHLO by itself.'
        : ' A server whose input was spoiled otherwise shows the same.';
    return {
      kind: 'refused',
      confidence: second ? 'likely' : 'possible',
      what: `was refused with ${code}, though every server has ${exchange.verb}`,
      doubt,
    };
  }
  const silence = knownSilence(exchange);
  const acknowledged = silence === null ? [] : foreignAcknowledgements(session);
  if (acknowledged.length >= MIN_FOREIGN && absenceDoubt(session) === null) {
    return {
      kind: 'lost',
      confidence: 'likely',
      what: `was never answered, while another machine acknowledged it byte by byte in the server’s name (TTL ${acknowledged[0]!.hopLimit}, the server’s own packets ${session.tcp.serverHopLimit}): a box took it and did not pass it on`,
      doubt: '',
    };
  }
  if (silence === 'next' || silence === 'silent') {
    if (absenceDoubt(session) !== null) return null;
    return {
      kind: 'lost',
      confidence: second ? 'likely' : 'possible',
      what: 'got no reply',
      doubt: second ? ' The same session shows a mask.' : ' A server that hangs shows the same.',
    };
  }
  return null;
}
