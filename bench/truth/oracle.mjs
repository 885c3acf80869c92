/**
 * What a capture proves, from what happened: the box's acts and what both ends sent and received. No rule is asked.
 *
 * A claim says for a connection and a rule what each viewpoint shows: `must` (a competent reader of these packets would say
 * it), `may` (it took place, or something did that it might be taken for; not scored). What nobody claims must not be found.
 * `took` says whether the rule's trouble did take place; only then can an all-clear be false.
 */
const MUST = 'must';
const MAY = 'may';

/** Verbs whose loss has a rule of its own. */
const OWN_RULE = {
  AUTH: 'auth-dropped',
  STARTTLS: 'starttls-stripped',
  'X-LINK2STATE': 'link2state-dropped',
  'X-EXPS': 'link2state-dropped',
  XEXCH50: 'link2state-dropped',
};
/** Refusing these is a server's choice, whatever its EHLO reply shows. */
const CHOICE = ['VRFY', 'EXPN', 'ETRN', 'HELP'];
/** Programs whose order of keywords is known well enough to tell what a masked line of eight hides. */
const KNOWN_ORDER = ['postfix', 'sendmail', 'smtpServer'];

export const VIEWS = ['outside', 'inside', 'both'];

export class Claims {
  constructor() {
    this.list = [];
  }

  /** @param views  `{outside, inside, both}`; what is not named is `may` */
  add(rule, connection, views, untilUs = connection.lastUs, took = true) {
    this.list.push({
      rule,
      connection: connection.number,
      untilUs,
      took,
      outside: MAY,
      inside: MAY,
      both: MAY,
      ...views,
    });
  }

  may(rules, connection) {
    for (const rule of rules) this.add(rule, connection, {}, connection.lastUs, false);
  }

  /** May be taken for it where packets are missing, never where all are there. */
  unlessWhole(rule, connection) {
    this.add(rule, connection, {}, connection.lastUs, false);
    this.list.at(-1).unlessWhole = true;
  }

  /** The verdict on a rule at a viewpoint, given which connections are whole until when. */
  verdict(rule, view, wholeUntil) {
    let verdict = 'mustNot';
    for (const claim of this.list) {
      if (claim.rule !== rule) continue;
      const whole = wholeUntil(claim.connection) === Number.POSITIVE_INFINITY;
      if (verdict === 'mustNot' && !(claim.unlessWhole && whole)) verdict = MAY;
      if (claim[view] === MUST && wholeUntil(claim.connection) > claim.untilUs) return MUST;
    }
    return verdict;
  }

  /** Connections in which the rule's trouble took place, and those in which this view shows it. */
  troubled(rule, view, wholeUntil) {
    const took = new Set();
    const visible = new Set();
    for (const claim of this.list) {
      if (claim.rule !== rule || !claim.took) continue;
      took.add(claim.connection);
      if (claim[view] === MUST && wholeUntil(claim.connection) > claim.untilUs) visible.add(claim.connection);
    }
    return { took, visible };
  }
}

/** What one conversation proves. */
export function judge(conversation, claims) {
  const { connections } = conversation;
  for (const connection of connections) {
    connection.lastUs = Math.max(
      connection.closedUs ?? 0,
      connection.resetUs ?? 0,
      ...connection.exchanges.map(({ sentUs, repliedUs }) => repliedUs ?? sentUs),
      ...connection.timeouts.map(({ atUs }) => atUs),
      ...connection.acts.map(({ atUs }) => atUs),
    );
    const facts = factsOf(conversation, connection);
    greeting(conversation, connection, facts, claims);
    keywords(conversation, connection, facts, claims);
    verbs(conversation, connection, facts, claims);
    consequences(conversation, connection, facts, claims);
    mailData(conversation, connection, facts, claims);
    transport(conversation, connection, facts, claims);
  }
  repeated(conversation, claims);
  path(conversation, claims);
}

function factsOf(conversation, connection) {
  const of = (kind) => connection.acts.filter((act) => act.kind === kind);
  const masked = of('greeting-masked');
  const hidden = new Set(
    [...of('keyword-masked'), ...of('keyword-removed')].map(({ keyword }) => word(keyword)),
  );
  const ehlo = connection.exchanges.find(({ verb, reply }) => verb === 'EHLO' && reply?.code === 250);
  const shown = new Set((ehlo?.reply.lines.slice(1) ?? []).map((line) => word(line.slice(4))));
  const starred = masked.some(({ style, to, text }) => starry(style) && (to ?? text).length > 12);
  return { of, masked, hidden, shown, starred, foreign: foreignStack(conversation, connection) };
}

const word = (keyword) => keyword.split(/[ =]/)[0].toUpperCase();
const starry = (style) => typeof style === 'string' || style.char === '*';

/** The box answers with a stack that anybody can tell from the server's. */
function foreignStack(conversation, connection) {
  if (!connection.acts.some(({ kind }) => kind === 'answered')) return false;
  const own = conversation.boxStack?.ttl ?? 255;
  const replies = connection.exchanges.filter(({ reply }) => reply !== null).length;
  const distance = (conversation.far.hops ?? 0) + (conversation.between.hops ?? 0);
  const serverTtl =
    { linux: 64, bsd: 64, windows: 128, windowsOld: 128, old: 255 }[stackOf(conversation)] - distance;
  return Math.abs(own - serverTtl) > 5 && replies >= 5;
}

function stackOf(conversation) {
  return conversation.serverStack ?? conversation.serverStackName;
}

function greeting(conversation, connection, { masked, of }, claims) {
  if (masked.length > 0) {
    const [{ style, text, atUs }] = masked;
    const long = text.length >= 12;
    const provable = long && starry(style);
    claims.add(
      'banner-masked',
      connection,
      { outside: provable ? MUST : MAY, both: long ? MUST : MAY },
      atUs + 1e6,
    );
    claims.may(['sender-workaround'], connection);
    if (style === 'cmap') claims.may(['banner-proxy'], connection);
    // An honest refusal beside a mask that another part of the same box has put there: nobody can tell.
    if (connection.exchanges.some(({ reply }) => reply?.code >= 500))
      claims.may(['ehlo-rejected'], connection);
  }
  const replaced = of('greeting-replaced');
  if (replaced.length > 0) {
    claims.add('banner-proxy', connection, { outside: MUST }, replaced[0].atUs + 1e6);
    claims.may(['proxy-in-path', 'banner-masked', 'capability-removed'], connection);
  }
  const stalled = masked.some(({ lostCode }) => lostCode) && connection.exchanges[0].reply === null;
  if (stalled)
    claims.add(
      'greeting-stalled',
      connection,
      connection.timeouts.length > 0 ? { outside: MUST, both: MUST } : {},
    );
  if (stalled) claims.may(['greeting-missing'], connection);
  const silent = connection.opened && connection.exchanges[0].reply === null && !stalled;
  if (silent && connection.timeouts.length > 0) {
    const waited = connection.timeouts[0].waitedMs >= 60_000;
    const { box } = conversation;
    claims.add(
      'greeting-missing',
      connection,
      waited ? { outside: MUST, both: MUST, inside: box ? MAY : MUST } : {},
    );
  } else if (silent) claims.may(['greeting-missing'], connection);
}

function keywords(conversation, connection, { of, shown }, claims) {
  const masked = of('keyword-masked');
  const removed = of('keyword-removed');
  if (masked.length > 0) {
    const until = masked[0].atUs + 1e6;
    const xs = masked.some(({ to }) => /^[Xx]{3,}[A-Z]?$/.test(to));
    claims.add('capability-masked', connection, { outside: xs ? MUST : MAY, both: xs ? MUST : MAY }, until);
    claims.may(['capability-removed'], connection);
  }
  if (removed.length > 0) {
    claims.add('capability-removed', connection, { both: MUST }, removed[0].atUs + 1e6);
  }
  const eights = masked.filter(({ keyword }) => keyword.length === 8);
  for (const { keyword, atUs, kind } of [...masked, ...removed]) {
    const rule = OWN_RULE[word(keyword)];
    if (rule === undefined) continue;
    let outside = MAY;
    if (kind === 'keyword-masked') {
      const alone = eights.length === 1 && shown.has('8BITMIME');
      if (rule === 'starttls-stripped' && alone && KNOWN_ORDER.includes(conversation.server)) outside = MUST;
      const whole = masked.filter((act) => /^(X-EXPS|X-LINK2STATE|XEXCH50)/.test(act.keyword)).length >= 4;
      if (rule === 'link2state-dropped' && whole && conversation.server === 'exchange2003') outside = MUST;
    }
    claims.add(rule, connection, { outside, both: MUST }, atUs + 1e6);
  }
  if (masked.length > 0)
    claims.may(
      ['starttls-stripped', 'auth-dropped', 'link2state-dropped', '8bitmime-unadvertised'],
      connection,
    );
}

/** The reply to a command that a box laid its hands on. */
function replyTo(connection, act) {
  return connection.exchanges.find(
    ({ verb, line, reply }) => verb === act.verb && line === act.line && reply !== null,
  )?.reply;
}

function verbs(conversation, connection, facts, claims) {
  const { of, shown, starred, foreign } = facts;
  for (const act of of('verb-masked')) {
    const reply = replyTo(connection, act);
    const runs = /X{4,}|x{4,}/.test(act.to);
    const echoed = /X{4,}|x{4,}/.test(reply?.text ?? '');
    const until = act.atUs + 2e6;
    claims.add(
      'verb-masked',
      connection,
      {
        outside: echoed ? MUST : MAY,
        inside: runs && act.whole ? MUST : MAY,
        both: runs && act.whole ? MUST : MAY,
      },
      until,
    );
    lost(
      connection,
      act,
      reply,
      { shown, witness: starred || echoed, certain: echoed, spoofed: false },
      claims,
    );
    if (!act.whole) {
      claims.add('char-mode-telnet', connection, { inside: runs ? MUST : MAY, both: MAY }, connection.lastUs);
      claims.may(['verb-rejected', 'verb-swallowed'], connection);
    }
  }
  for (const act of of('verb-nooped')) {
    const reply = replyTo(connection, act);
    const noop = connection.exchanges.find((entry) => entry.verb === 'NOOP' && entry.line === 'NOOP')?.reply;
    const twin = act.verb === 'EHLO' && noop !== undefined && noop !== null && reply?.text === noop.text;
    claims.add('verb-masked', connection, { both: MUST }, act.atUs + 2e6);
    claims.add('verb-swallowed', connection, { outside: twin ? MUST : MAY }, connection.lastUs);
    claims.may([...ehloConsequences(act), 'verb-rewritten', OWN_RULE[act.verb]].filter(Boolean), connection);
    if (act.verb !== 'EHLO' && OWN_RULE[act.verb])
      claims.add(OWN_RULE[act.verb], connection, { both: MUST }, act.atUs + 2e6);
  }
  for (const act of of('verb-swallowed')) {
    claims.add('verb-swallowed', connection, { outside: MUST, both: MUST }, act.atUs + 2e6);
    claims.add('reply-spoofed', connection, { outside: foreign ? MUST : MAY, both: MUST }, connection.lastUs);
    const rule = OWN_RULE[act.verb];
    if (rule)
      claims.add(rule, connection, { outside: shown.has(act.verb) ? MUST : MAY, both: MUST }, act.atUs + 2e6);
    claims.may([...ehloConsequences(act), 'verb-rejected', 'proxy-in-path'], connection);
  }
  for (const act of of('verb-refused')) {
    const reply = replyTo(connection, act);
    claims.add('reply-spoofed', connection, { outside: foreign ? MUST : MAY, both: MUST }, connection.lastUs);
    claims.may(['proxy-in-path', 'verb-swallowed', 'banner-proxy'], connection);
    lost(
      connection,
      act,
      reply,
      { shown, witness: starred || foreign, certain: foreign, spoofed: true },
      claims,
    );
  }
  for (const act of of('verb-dropped')) {
    claims.add('verb-swallowed', connection, {});
    claims.may(
      [
        ...ehloConsequences(act),
        'verb-rejected',
        'verb-masked',
        OWN_RULE[act.verb],
        'end-of-data-unacknowledged',
      ].filter(Boolean),
      connection,
    );
  }
  for (const act of of('verb-rewritten')) {
    claims.add('verb-rewritten', connection, { both: MUST }, act.atUs + 2e6);
    claims.may([...ehloConsequences(act), 'capability-removed', 'verb-swallowed', 'verb-masked'], connection);
  }
  const eaten = of('eaten');
  if (eaten.length > 0) {
    const { keys } = conversation.plan;
    const refused = connection.exchanges.some(({ reply }) => (reply?.code ?? 0) >= 500);
    const harmed = (connection.timeouts.length > 0 || refused) && starred && keys;
    claims.add('char-mode-telnet', connection, { outside: harmed ? MUST : MAY, both: keys ? MUST : MAY });
    claims.may(
      ['verb-swallowed', 'verb-masked', 'verb-rejected', 'reply-spoofed', 'ehlo-rejected'],
      connection,
    );
  }
}

/** What the loss of EHLO takes along. */
function ehloConsequences(act) {
  if (act.verb !== 'EHLO') return [];
  return [
    'ehlo-rejected',
    'auth-dropped',
    'starttls-stripped',
    'link2state-dropped',
    '8bitmime-unadvertised',
    '8bitmime-rejected',
    'relay-denied-after-auth-dropped',
  ];
}

/** A verb that the server never got as it was sent, and the refusal that the client got. */
function lost(connection, act, reply, { shown, witness, certain, spoofed }, claims) {
  const until = act.atUs + 2e6;
  const refused = reply !== undefined && (reply.code === 500 || reply.code === 502);
  const { verb } = act;
  claims.may([...ehloConsequences(act), 'verb-rejected', 'verb-swallowed'], connection);
  if (verb === 'EHLO') {
    if (refused)
      claims.add(
        'ehlo-rejected',
        connection,
        { outside: witness ? MUST : MAY, both: MUST },
        connection.lastUs,
      );
    return;
  }
  const offered = shown.has(verb) || (verb === 'BDAT' && shown.has('CHUNKING'));
  if (refused && offered && !CHOICE.includes(verb)) {
    claims.add('verb-rejected', connection, { outside: MUST, both: spoofed ? MUST : MAY }, until);
  }
  const rule = OWN_RULE[verb];
  if (rule === undefined) return;
  claims.add(
    rule,
    connection,
    { outside: refused && (offered || certain) ? MUST : MAY, both: MUST },
    connection.lastUs,
  );
}

/** What follows from a loss, in what the client then did. */
function consequences(conversation, connection, facts, claims) {
  const { of } = facts;
  const ehloLost = connection.acts.some(
    ({ kind, verb }) => verb === 'EHLO' && /^verb-(masked|nooped|swallowed|refused|rewritten)$/.test(kind),
  );
  const authLost =
    facts.hidden.has('AUTH') ||
    connection.acts.some(({ kind, verb }) => verb === 'AUTH' && /^verb-/.test(kind));
  const relay = connection.exchanges.find(
    ({ verb, reply }) => verb === 'RCPT' && reply && /relay/i.test(reply.text) && reply.code >= 400,
  );
  if (relay && authLost) {
    const verbLost = connection.acts.some(
      ({ kind, verb }) => verb === 'AUTH' && /^verb-(refused|swallowed|masked)$/.test(kind),
    );
    const plain = verbLost && facts.shown.has('AUTH');
    const coded = /[45]\.7\.1\b/.test(relay.reply.text) && [550, 554, 454].includes(relay.reply.code);
    claims.add('relay-denied-after-auth-dropped', connection, {
      outside: plain && coded ? MUST : MAY,
      both: coded ? MUST : MAY,
    });
  }
  for (const { mail, reply } of connection.messages) {
    const eightBit = mail.octets.some((octet) => octet > 127);
    if (!eightBit) continue;
    const hidden = facts.hidden.has('8BITMIME');
    const offers = conversation.serverOffers8bit;
    if (hidden) claims.add('8bitmime-unadvertised', connection, { both: MUST });
    else if (ehloLost && offers) {
      claims.add('8bitmime-unadvertised', connection, { both: MUST });
    } else claims.may(['8bitmime-unadvertised'], connection);
    if (reply?.code === 554 && /5\.6\.1/.test(reply.text)) {
      const witness = ehloLost && (facts.starred || facts.foreign);
      claims.add('8bitmime-rejected', connection, {
        outside: witness ? MUST : MAY,
        both: ehloLost || hidden ? MUST : MAY,
      });
    }
  }
  for (const { mail, endedUs, reply } of connection.messages) {
    if (mail.kind === 'report' && endedUs !== null) {
      claims.add(
        'ndr-8bitmime',
        connection,
        { outside: MUST, inside: MUST, both: MUST },
        (reply && connection.lastUs) || endedUs + 2e6,
      );
    }
    const pause = mail && connection.messages.find((message) => message.mail === mail);
    const delayed =
      conversation.client === 'postfix' &&
      facts.starred &&
      pause.ending === 'CRLF|.CRLF' &&
      pause.attempt > 0;
    if (delayed)
      claims.add('sender-workaround', connection, { outside: MUST, inside: MUST, both: MUST }, endedUs + 2e6);
  }
  if (of('tls-broken').length > 0) {
    const [{ how, atUs }] = of('tls-broken');
    const views =
      how === 'masked'
        ? { inside: MUST, both: MUST }
        : { outside: connection.timeouts.length > 0 ? MUST : MAY, both: MUST };
    claims.add('tls-handshake-broken', connection, views, how === 'masked' ? atUs + 1e6 : connection.lastUs);
    claims.may(['starttls-stripped', 'verb-masked'], connection);
  }
}

function mailData(conversation, connection, { of }, claims) {
  const ends = of('end-dropped');
  const splitBox = conversation.box?.settings.split;
  for (const message of connection.messages) {
    if (message.endedUs === null || message.ending === 'bdat') {
      if (message.ending === 'bdat' && message.reply?.failed)
        claims.may(['end-of-data-unacknowledged', 'duplicate-delivery'], connection);
      continue;
    }
    if (!message.reply?.failed) continue;
    const unanswered = { outside: MUST, both: MUST };
    if (!conversation.box && !conversation.packetBox) unanswered.inside = MUST;
    const late =
      connection.serverMessages.length > 0 && connection.resetUs === undefined && conversation.box === null;
    const blamed =
      conversation.linkActs.some(({ kind }) => kind === 'too-big' || kind === 'lost') ||
      of('over-mss').length > 0;
    claims.add(
      'end-of-data-unacknowledged',
      connection,
      blamed || message.reply.failed === 'reset' || late ? {} : unanswered,
    );
  }
  if (ends.length > 0 || of('end-reset').length > 0) {
    const act = ends[0] ?? of('end-reset')[0];
    const message = connection.messages.at(-1);
    const parted = act.split && message.ending !== 'whole' && splitBox;
    if (act.split) claims.add('end-of-data-split', connection, parted ? { outside: MUST, both: MUST } : {});
    else claims.may(['end-of-data-split'], connection);
    claims.may(['end-of-data-unacknowledged', 'reset-in-session', 'inspection-limit'], connection);
  } else if (connection.messages.some(({ reply, ending }) => reply?.failed && ending !== 'whole')) {
    claims.may(['end-of-data-split'], connection);
  }
  const damaged = of('damaged');
  if (damaged.length > 0) {
    const [{ how }] = damaged;
    const message = connection.messages.find(({ mail }) => mail.kind === 'attachment');
    const base = message !== undefined && ['X', '*', 'NUL'].includes(how);
    claims.add('attachment-damaged', connection, {
      inside: base && how !== 'X' ? MUST : MAY,
      both: message ? MUST : MAY,
    });
    if (connection.messages.some(({ mail }) => mail.signed)) {
      claims.add('dkim-body-mismatch', connection, { inside: MUST });
    }
  }
  for (const act of of('limit')) {
    claims.add('inspection-limit', connection, { outside: MUST, both: MUST }, act.atUs + 2e6);
    claims.may(['reset-in-session', 'end-of-data-unacknowledged', 'reset-forged'], connection);
  }
}

function transport(conversation, connection, { of }, claims) {
  const blocked = of('blocked');
  if (blocked.length > 0) {
    const attempts = blocked.length;
    const [{ how }] = blocked;
    const plain =
      how === 'icmp' ||
      (how === 'silent' && attempts >= 3) ||
      (how === 'reset' && (conversation.boxStack?.ttl ?? 255) === 255);
    claims.add('connection-blocked', connection, plain ? { outside: MUST } : {});
  } else if (!connection.opened) claims.add('connection-blocked', connection, {}, connection.lastUs, false);
  const over = of('over-mss');
  if (over.length > 0) {
    claims.add('segment-over-mss', connection, over.length >= 4 ? { outside: MUST, both: MUST } : {});
    claims.may(['path-mtu-black-hole', 'end-of-data-unacknowledged', 'reset-in-session'], connection);
  }
  for (const act of of('reset-forged')) {
    const went = connection.exchanges.some(({ verb, reply }) => verb === 'QUIT' && reply !== null);
    const seen = act.fromClient ? { inside: MUST } : { outside: MUST };
    claims.add('reset-forged', connection, went ? { ...seen, both: MUST } : {});
    claims.may(['reply-spoofed'], connection);
  }
  const kept = of('sack-kept');
  const outward = kept.filter(({ fromClient }) => !fromClient).length;
  if (kept.length > 0)
    claims.add('sack-impossible', connection, outward >= 2 ? { outside: MUST, both: MUST } : {});
  const cut = [...of('reset'), ...of('end-reset')];
  if (cut.length > 0)
    claims.may(
      ['reset-in-session', 'reset-forged', 'reply-spoofed', 'inspection-limit', 'end-of-data-unacknowledged'],
      connection,
    );
  if (connection.resetUs !== undefined || connection.serverResetUs !== undefined)
    claims.may(['reset-in-session'], connection);
}

/** What several connections say together. */
function repeated(conversation, claims) {
  const { connections } = conversation;
  const cut = connections.filter((connection) => connection.resetUs !== undefined);
  const steps = cut.map((connection) => connection.exchanges.at(-1).verb);
  if (cut.length >= 3 && new Set(steps).size === 1) {
    const last = cut.at(-1);
    const mail = cut.every(({ messages }) => messages.length > 0);
    claims.add(
      'reset-in-session',
      last,
      mail || steps[0] !== '(greeting)' ? { outside: MUST, both: MUST } : {},
    );
  }
  // A message that the server has more than once, or that it may have.
  const byId = new Map();
  for (const connection of connections) {
    for (const message of connection.messages) {
      const list = byId.get(message.mail.id) ?? [];
      list.push({ connection, message });
      byId.set(message.mail.id, list);
    }
  }
  for (const list of byId.values()) {
    for (let index = 0; index < list.length - 1; index++) {
      const { connection, message } = list[index];
      const { connection: later } = list[index + 1];
      const arrived = message.acknowledged && message.endedUs !== null;
      const accepted = connection.serverMessages.some((entry) => entry.accepted);
      const told = message.reply && !message.reply.failed && message.reply.code >= 400;
      if (told || message.endedUs === null) continue;
      if (accepted && !message.reply?.code) {
        const plain =
          arrived && message.ending !== 'bdat' && !message.mail.octets.some((octet) => octet > 127);
        claims.add(
          'duplicate-delivery',
          later,
          plain ? { outside: MUST, inside: later.serverMessages.length > 0 ? MUST : MAY, both: MUST } : {},
          later.lastUs,
        );
      } else if (arrived) claims.may(['duplicate-delivery'], later);
      else claims.unlessWhole('duplicate-delivery', later);
      // A reset says nothing of what arrived before it, to who sees one side alone.
      if (connection.resetUs !== undefined) claims.may(['duplicate-delivery'], later);
    }
  }
}

/** The network's own trouble. */
function path(conversation, claims) {
  const big = conversation.linkActs.filter(({ kind }) => kind === 'too-big');
  if (big.length === 0) return;
  const hole = conversation.between.silent || conversation.far.silent;
  const connection =
    conversation.connections.find(({ exchanges }) => exchanges.length > 3) ?? conversation.connections[0];
  const plain = hole && big.length >= 4;
  claims.add('path-mtu-black-hole', connection, plain ? { outside: MUST, both: MUST } : {});
  for (const each of conversation.connections) {
    claims.may(
      ['end-of-data-unacknowledged', 'segment-over-mss', 'reset-in-session', 'end-of-data-split'],
      each,
    );
  }
}
