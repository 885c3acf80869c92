import { exchangeEvidence, lineEvidence } from '../finding/evidence.js';
import type { Confidence, Evidence } from '../finding/finding.js';
import type { SmtpExchange, SmtpLine, SmtpSession } from '../smtp/session.js';
import { boxWitness } from './box-witness.js';
import { echoedMask, ehloWorked, isSpoiledTls, LONE_VERBS, maskedCommand, sessionMask } from './mask.js';
import { factsOf } from './session-facts.js';
import { REFUSED, SWALLOWED, UNCODED, X_COMMAND, X_KEYWORD } from './session-flags.js';
import { sessionKeywords } from './templates.js';

/** A verb whose loss has a rule of its own. */
export type LosableVerb = 'AUTH' | 'STARTTLS' | 'X-LINK2STATE' | 'X-EXPS' | 'XEXCH50' | 'EHLO';

export type LossKind = 'masked-keyword' | 'masked-verb' | 'echoed-mask' | 'swallowed' | 'refused';

/** What became of one verb in one session, and the proof. */
export interface Loss {
  readonly subject: LosableVerb;
  readonly how: LossKind;
  readonly confidence: Confidence;
  readonly evidence: readonly Evidence[];
  /** One clause: `"X-LINK2STATE" is hidden behind 12 octets of mask`. */
  readonly what: string;
}

const VERBS: readonly LosableVerb[] = ['AUTH', 'STARTTLS', 'X-LINK2STATE', 'X-EXPS', 'XEXCH50', 'EHLO'];

const BY_LENGTH: Readonly<Record<number, LosableVerb>> = LONE_VERBS;

/** A session without any of these has lost no verb. */
export const LOSS_TRAITS = REFUSED | UNCODED | X_COMMAND | X_KEYWORD | SWALLOWED;

const SASL_MECHANISM =
  /^(?:PLAIN|LOGIN|NTLM|GSSAPI|EXTERNAL|XOAUTH2|OAUTHBEARER|CRAM-MD5|DIGEST-MD5|SCRAM-[A-Z0-9-]+)$/i;

/** What happened to AUTH, STARTTLS, X-LINK2STATE, X-EXPS, XEXCH50 and EHLO in this session. */
export function lostVerbs(session: SmtpSession): readonly Loss[] {
  const facts = factsOf(session);
  facts.losses ??= findLosses(session);
  return facts.losses;
}

function findLosses(session: SmtpSession): Loss[] {
  const losses: Loss[] = [];
  for (const keyword of sessionKeywords(session)) {
    const subject = VERBS.find((verb) => keyword.name?.split(/[ =]/)[0] === verb);
    if (!subject || keyword.extension.line.checksum === 'invalid') continue;
    losses.push({
      subject,
      how: 'masked-keyword',
      confidence: 'likely',
      what: `"${keyword.name}" is hidden behind ${keyword.octets} octets of mask (the order and the lengths of ${keyword.fits.join(', ')} leave no other reading)`,
      evidence: [lineEvidence(session, keyword.extension.line, `reads "${keyword.name}"`)],
    });
  }
  const offered = new Set(session.extensions.map(({ keyword }) => keyword.split('=')[0]!));
  for (const exchange of session.exchanges) {
    const loss = lostIn(session, exchange, offered);
    if (loss) losses.push(loss);
  }
  return losses;
}

function lostIn(session: SmtpSession, exchange: SmtpExchange, offered: ReadonlySet<string>): Loss | null {
  if (exchange.kind !== 'command' || !exchange.line || isSpoiledTls(session, exchange)) return null;
  if (maskedCommand(exchange)) return lostBehindMask(session, exchange, exchange.line);
  const subject = VERBS.find((verb) => verb === exchange.verb);
  if (!subject || !exchange.reply) return null;
  const { reply } = exchange;
  const make = (how: LossKind, confidence: Confidence, what: string, note: string): Loss => ({
    subject,
    how,
    confidence,
    what,
    evidence: exchangeEvidence(session, exchange, [`${subject} as it was sent`, note]),
  });
  if (echoedMask(exchange)) {
    return make(
      'echoed-mask',
      'certain',
      `the server's refusal of ${subject} quotes X's of its length`,
      'quotes what arrived',
    );
  }
  if (reply.code === null) {
    return make(
      'swallowed',
      'certain',
      `${subject} was answered by "${short(reply.lines[0]?.text)}", without a reply code`,
      'no SMTP reply',
    );
  }
  const witness = reply.code === 500 || reply.code === 502 ? boxWitness(session, exchange) : null;
  if (witness !== null && witness.kind === 'stack') {
    return make(
      'refused',
      witness.confidence,
      `${subject} was refused with ${reply.code}, and ${witness.clause}`,
      'refused by another machine',
    );
  }
  if (subject === 'EHLO') return null;
  // XEXCH50 is a command with data: 354, the data, 250.
  if (
    reply.code === 250 &&
    reply.lines.length === 1 &&
    exchange.intermediate === null &&
    subject !== 'XEXCH50'
  ) {
    return make(
      'swallowed',
      'likely',
      `${subject} was answered by 250, which is no answer to it`,
      '250 does not answer this verb',
    );
  }
  if (reply.code !== 500 && reply.code !== 502) return null;
  if (isSyntax(exchange) || isUnderstood(session, subject)) return null;
  if (offered.has(subject)) {
    return make(
      'refused',
      witness?.confidence ?? 'likely',
      `${subject} was offered and then refused with ${reply.code}${witness ? `, and ${witness.clause}` : ''}`,
      'refused though offered',
    );
  }
  const fitting = sessionKeywords(session).find(
    (keyword) =>
      (keyword.name ?? subject).startsWith(subject) &&
      keyword.octets >= subject.length &&
      (subject === 'AUTH' || keyword.octets === subject.length),
  );
  if (fitting) {
    return make(
      'refused',
      'possible',
      `${subject} was refused with ${reply.code} after an EHLO reply in which a masked line of ${fitting.octets} octets could be it (as could ${fitting.candidates.filter((line) => line !== subject).join(', ') || 'another keyword'})`,
      'refused; the keyword may have been masked',
    );
  }
  if (subject === 'AUTH' && sessionMask(session) !== null && ehloLost(session)) {
    return make(
      'refused',
      'possible',
      `AUTH was refused with ${reply.code} behind a masked greeting, after EHLO was lost as well (a server without AUTH refuses it too)`,
      'refused like EHLO',
    );
  }
  return null;
}

/** The verb alone is masked: its length and what is left of the line must fit one verb only. */
function byVerbAndArgument(text: string): LosableVerb | undefined {
  if (/^X{12} /.test(text)) return 'X-LINK2STATE';
  if (/^X{7} \d+ \d+$/.test(text)) return 'XEXCH50';
  return undefined;
}

/** What a masked command was, where its length or its clear argument tells. */
function lostBehindMask(session: SmtpSession, exchange: SmtpExchange, line: SmtpLine): Loss | null {
  if (line.checksum === 'invalid') return null;
  const [verb = '', argument] = line.text.split(' ');
  // A whole line of X's may hold an argument, too: before EHLO nobody says STARTTLS or X-LINK2STATE.
  const whole = /^X+$/.test(line.text) && isBehindEhlo(session, exchange);
  const authenticates = verb.length === 4 && argument !== undefined && SASL_MECHANISM.test(argument);
  const subject = authenticates ? 'AUTH' : whole ? BY_LENGTH[line.octets] : byVerbAndArgument(line.text);
  if (!subject) return null;
  return {
    subject,
    how: 'masked-verb',
    confidence: 'likely',
    what: authenticates
      ? `a verb of 4 octets arrived as X's in front of the mechanism ${argument}`
      : `a verb of ${verb.length} octets arrived as X's, and ${subject} is the one command that fits`,
    evidence: exchangeEvidence(session, exchange, ["X's in place of the verb", "the server refuses the X's"]),
  };
}

function isBehindEhlo({ exchanges }: SmtpSession, exchange: SmtpExchange): boolean {
  const ehlo = exchanges.findIndex(ehloWorked);
  return ehlo >= 0 && exchanges.indexOf(exchange) > ehlo;
}

/** AUTH names its mechanism: without one it is a mistake, and refused as such. RFC 4954 §4. */
export function isSyntax({ verb, argument }: SmtpExchange): boolean {
  return verb === 'AUTH' && (argument === null || argument.trim() === '');
}

/** The server took this verb elsewhere in the session: it knows it, and got it. */
export function isUnderstood({ exchanges }: SmtpSession, verb: string): boolean {
  return exchanges.some(
    (exchange) =>
      exchange.verb === verb &&
      exchange.kind === 'command' &&
      !isSyntax(exchange) &&
      [exchange.intermediate, exchange.reply].some(
        (reply) => reply?.code != null && reply.code !== 500 && reply.code !== 502 && reply.code !== 250,
      ),
  );
}

/** No EHLO of this session reached the server as EHLO. */
export function ehloLost(session: SmtpSession): boolean {
  const facts = factsOf(session);
  // Asked for each AUTH that was refused, of which a session may hold thousands.
  facts.ehloLost ??= isEhloLost(session);
  return facts.ehloLost;
}

function isEhloLost(session: SmtpSession): boolean {
  return (
    !session.exchanges.some(ehloWorked) &&
    (session.exchanges.some((exchange) => exchange.verb === 'EHLO' && echoedMask(exchange) !== null) ||
      session.exchanges.some((exchange) => exchange.verb === 'EHLO' && exchange.reply?.code === null) ||
      session.exchanges.some((exchange) => refusedEhlo(exchange) && boxWitness(session, exchange) !== null) ||
      session.exchanges.some((exchange) => maskedCommand(exchange) && exchange.line!.checksum !== 'invalid'))
  );
}

function refusedEhlo(exchange: SmtpExchange): boolean {
  return exchange.verb === 'EHLO' && (exchange.reply?.code === 500 || exchange.reply?.code === 502);
}

function short(text: string | undefined): string {
  return (text ?? '').slice(0, 40);
}
