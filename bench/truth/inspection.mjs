/**
 * What a box does to a dialogue, told octet for octet.
 *
 * An inspection gets the fresh octets of one segment and returns pieces `{before, after}` in order, and with them what else
 * happens: `answers` (replies in the server's name), `drop` (the segment goes no further, nothing is noted), `reset`.
 * Every act is put into `acts` as it happens: this is the box's own event log, and the only source of what is true.
 */
export const KEEP_20 = 'keep-2-0';
const SEVEN = ['HELO', 'MAIL', 'RCPT', 'DATA', 'RSET', 'NOOP', 'QUIT'];
const FIFTEEN = [...SEVEN, 'AUTH', 'EHLO', 'ETRN', 'HELP', 'SAML', 'SEND', 'SOML', 'VRFY'];

/** Does nothing; what a box can do, each off. */
export const OPEN = {
  greeting: null,
  /** A greeting of the box's own in the place of the server's. */
  ownGreeting: null,
  /** `all`: every line of a greeting keeps its code; `first`: later lines lose theirs to the mask. */
  laterLines: 'all',
  verbs: null,
  /** `X`, `x`, `noop`, `ok`, `refuse`, `drop`, `helo` (EHLO becomes HELO). */
  forbidden: 'X',
  refusal: '500 Command unrecognized',
  keywords: null,
  /** `letter`, `X`, `x`, `#`, `blank`, `remove` */
  mask: 'letter',
  /** `drop` or `reset` an end of data that is split over segments. */
  split: null,
  /** How many ends, split or not, and final replies get lost. */
  loseEnds: 0,
  loseReplies: 0,
  /** `X`, `*`, `NUL`, `seven-bit`, `cut`, `text`: what becomes of the octets of a message. */
  damage: null,
  limits: false,
  tls: null,
  /** Resets at this verb, or `body` after so many octets of mail data. */
  resetAt: null,
  /** Takes single octets of a command and never hands them on. */
  eatsSingles: false,
  dropsGreeting: false,
};

export const PIX_VERBS = SEVEN;
export const ASA_VERBS = FIFTEEN;
export const ASA_KEYWORDS = [
  'SIZE',
  'ETRN',
  'PIPELINING',
  'DSN',
  'ENHANCEDSTATUSCODES',
  '8BITMIME',
  'BINARYMIME',
  'AUTH',
];

export function maskedText(text, style) {
  if (style === KEEP_20) {
    let kept = '';
    for (let at = 0; at < text.length; at++) {
      const octet = text[at];
      kept += octet === '2' || octet === '0' || (octet === ' ' && text[at - 1] === '0') ? octet : '*';
    }
    return kept;
  }
  if (style === 'keep-blanks') return text.replace(/[^20 ]/g, '*');
  if (style === 'cmap') return `SMTP/cmap${'_'.repeat(Math.max(4, text.length - 14))} read`;
  return style.char.repeat(text.length);
}

/** Shared by the sessions that pass one box, so that "the first end is lost" means the first of all. */
export class Inspector {
  constructor(settings) {
    this.settings = { ...OPEN, ...settings };
    this.endsLeft = this.settings.loseEnds;
    this.repliesLeft = this.settings.loseReplies;
  }

  session(acts, clock) {
    return new Inspection(this, acts, clock);
  }
}

export class Inspection {
  constructor(inspector, acts, clock) {
    this.inspector = inspector;
    this.settings = inspector.settings;
    this.acts = acts;
    this.clock = clock;
    this.phase = 'command';
    this.pending = ['(greeting)'];
    this.tail = '\r\n';
    this.open = null;
    this.replyOpen = false;
    this.letter = 0;
    this.inEhlo = false;
    this.greeted = false;
    this.losing = false;
    this.chunk = 0;
    this.mailOctets = 0;
    this.recipients = 0;
    this.header = true;
    this.damaged = 0;
    this.column = 0;
  }

  act(kind, facts) {
    this.acts.push({ kind, atUs: this.clock.nowUs, ...facts });
  }

  fromClient(fresh, offset) {
    const result = { pieces: [], answers: [], drop: false, reset: false };
    let at = 0;
    while (at < fresh.length && !result.drop && !result.reset) {
      const rest = fresh.subarray(at);
      if (this.phase === 'tls') at += this.tlsOctets(rest, offset + at, result);
      else if (this.phase === 'data') at += this.mailData(rest, offset + at, result, at);
      else if (this.phase === 'chunk') at += this.chunkData(rest, offset + at, result);
      else at += this.line(rest, offset + at, result);
    }
    return result;
  }

  pass(octets, result) {
    result.pieces.push({ before: octets.length, after: Buffer.from(octets) });
    return octets.length;
  }

  edit(octets, after, offset, result) {
    this.act('edited', { direction: 'client', offset, before: Buffer.from(octets), after });
    result.pieces.push({ before: octets.length, after });
    return octets.length;
  }

  tlsOctets(octets, offset, result) {
    const { tls } = this.settings;
    if (tls === 'mask') {
      if (!this.tlsNoted) this.act('tls-broken', { how: 'masked' });
      this.tlsNoted = true;
      return this.edit(octets, Buffer.alloc(octets.length, 'X'), offset, result);
    }
    if (tls === 'drop') {
      if (!this.tlsNoted) this.act('tls-broken', { how: 'dropped' });
      this.tlsNoted = true;
      result.drop = true;
      return 0;
    }
    return this.pass(octets, result);
  }

  line(rest, offset, result) {
    const end = rest.indexOf(10);
    const octets = end < 0 ? rest : rest.subarray(0, end + 1);
    const text = octets.toString('latin1');
    const content = text.replace(/[\r\n]+$/, '');
    const beginning = this.open === null;
    const { settings } = this;
    if (this.phase === 'auth' && beginning) {
      if (end >= 0) {
        this.phase = 'command';
        this.pending.push('(auth)');
      }
      return this.pass(octets, result);
    }
    const verb = beginning ? content.split(/[ :]/)[0].toUpperCase() : this.open.verb;
    const whole = beginning && end >= 0;
    if (settings.eatsSingles && !whole && content.length > 0) {
      this.act('eaten', {
        direction: 'client',
        offset,
        before: Buffer.from(octets),
        after: Buffer.alloc(0),
        verb,
      });
      result.pieces.push({ before: octets.length, after: Buffer.alloc(0) });
      result.ate = true;
      return octets.length;
    }
    if (settings.resetAt === verb && whole) {
      this.act('reset', { at: verb });
      result.reset = true;
      return 0;
    }
    if (settings.limits && whole && this.limit(verb, content, result)) return 0;
    const forbidden = settings.verbs !== null && content.length > 0 && !settings.verbs.includes(verb);
    const judged = beginning ? forbidden : this.open.forbidden || (!whole && forbidden && this.open.masked);
    if (end < 0) this.open ??= { verb, forbidden: judged, masked: judged };
    else this.open = null;
    if (!judged) {
      if (end >= 0) this.expect(verb, content);
      return this.pass(octets, result);
    }
    return this.forbid(verb, content, octets, offset, result, end >= 0, whole);
  }

  forbid(verb, content, octets, offset, result, ended, whole) {
    const { settings } = this;
    const how = settings.forbidden;
    const ending = octets.toString('latin1').slice(content.length);
    if (how === 'drop') {
      if (!this.droppedAt || this.droppedAt !== offset) this.act('verb-dropped', { verb, line: content });
      this.droppedAt = offset;
      result.drop = true;
      return 0;
    }
    if ((how === 'ok' || how === 'refuse') && whole) {
      const answer = how === 'ok' ? 'OK' : settings.refusal.replace('%v', verb).replace('%l', content);
      this.act(how === 'ok' ? 'verb-swallowed' : 'verb-refused', {
        verb,
        line: content,
        answer,
        direction: 'client',
        offset,
        before: Buffer.from(octets),
        after: Buffer.alloc(0),
      });
      result.pieces.push({ before: octets.length, after: Buffer.alloc(0) });
      result.answers.push(Buffer.from(`${answer}\r\n`, 'latin1'));
      return octets.length;
    }
    let masked;
    if (how === 'noop' && content.length >= 4) masked = `NOOP${' '.repeat(Math.max(0, content.length - 4))}`;
    else if (how === 'helo' && verb === 'EHLO') masked = `HELO${content.slice(4)}`;
    else if (settings.maskWholeLine === false && verb.length >= 4)
      masked = (how === 'x' ? 'x' : 'X').repeat(verb.length) + content.slice(verb.length);
    else masked = (how === 'x' ? 'x' : 'X').repeat(content.length);
    const kind = how === 'noop' ? 'verb-nooped' : how === 'helo' ? 'verb-rewritten' : 'verb-masked';
    if (masked !== content) this.act(kind, { verb, line: content, to: masked, whole });
    if (ended) this.expect(how === 'helo' && verb === 'EHLO' ? 'HELO' : verb, content, masked);
    const after = Buffer.from(masked + ending, 'latin1');
    return after.equals(octets) ? this.pass(octets, result) : this.edit(octets, after, offset, result);
  }

  /** What the server will answer next. */
  expect(verb, content) {
    this.pending.push(verb);
    if (verb === 'BDAT' && !(this.settings.verbs !== null && !this.settings.verbs.includes('BDAT'))) {
      this.chunk = Number(content.split(' ')[1]);
      this.lastChunk = / LAST$/i.test(content);
      if (this.chunk > 0) this.phase = 'chunk';
    }
    if (verb === 'MAIL') this.recipients = 0;
    if (verb === 'RCPT') this.recipients++;
  }

  chunkData(rest, _offset, result) {
    const part = rest.subarray(0, this.chunk);
    this.chunk -= part.length;
    if (this.chunk === 0) {
      this.phase = 'command';
      if (this.lastChunk && this.inspector.repliesLeft > 0) {
        this.inspector.repliesLeft--;
        this.losing = true;
        this.act('final-reply-lost', {});
      }
    }
    return this.pass(part, result);
  }

  limit(verb, content, result) {
    let which = null;
    if (content.length > 512) which = 'command';
    else if (verb === 'RCPT' && this.recipients >= 100) which = 'recipients';
    else if (verb === 'MAIL' && (/<([^>]*)>/.exec(content)?.[1].length ?? 0) > 320) which = 'sender';
    if (which === null) return false;
    this.act('limit', { which });
    result.reset = true;
    return true;
  }

  /** @param at  where in the segment these octets begin: an end that begins in an earlier segment is split */
  mailData(rest, offset, result, _at) {
    const joined = this.tail + rest.toString('latin1');
    const found = joined.indexOf('\r\n.\r\n');
    const used = found < 0 ? rest.length : found + 5 - this.tail.length;
    const { settings, inspector } = this;
    if (found >= 0) {
      // The lone dot of an empty message begins behind the CRLF of DATA, which is no part of the data.
      const split = found < this.tail.length && this.mailOctets > 0;
      if (split && settings.split === 'drop' && this.splitsLeft()) {
        if (this.droppedEnd !== offset) this.act('end-dropped', { split: true });
        this.droppedEnd = offset;
        result.drop = true;
        return 0;
      }
      if (split && settings.split === 'reset') {
        this.act('end-reset', { split: true });
        result.reset = true;
        return 0;
      }
      if (inspector.endsLeft > 0 || this.droppedEnd === offset) {
        if (this.droppedEnd !== offset) {
          inspector.endsLeft--;
          this.act('end-dropped', { split });
        }
        this.droppedEnd = offset;
        result.drop = true;
        return 0;
      }
      if (inspector.repliesLeft > 0) {
        inspector.repliesLeft--;
        this.losing = true;
        this.act('final-reply-lost', {});
      }
    }
    if (settings.resetAt === 'body' && this.mailOctets + used > settings.resetAfter) {
      this.act('reset', { at: 'body' });
      result.reset = true;
      return 0;
    }
    if (settings.limits && this.header) {
      const header = `${this.headerText ?? ''}${rest.toString('latin1', 0, used)}`;
      const end = header.indexOf('\r\n\r\n');
      const scanned = end < 0 ? header : header.slice(0, end);
      if (scanned.split('\r\n').some((line) => line.length > 998)) {
        this.act('limit', { which: 'header' });
        result.reset = true;
        return 0;
      }
      this.headerText = header.slice(-2000);
      if (end >= 0) this.header = false;
    }
    if (settings.limits && /filename="[^"\r\n]{256,}"/.test(joined)) {
      this.act('limit', { which: 'file-name' });
      result.reset = true;
      return 0;
    }
    const octets = rest.subarray(0, used);
    const spoiled = this.spoil(octets, this.mailOctets, found >= 0);
    this.mailOctets += used;
    this.tail = (this.tail + octets.toString('latin1')).slice(-4);
    if (found >= 0) {
      this.phase = 'command';
      this.pending.push('(end-of-data)');
      this.tail = '\r\n';
      this.mailOctets = 0;
      this.header = true;
      this.headerText = '';
    }
    if (spoiled === null) return this.pass(octets, result);
    this.act('damaged', { how: settings.damage, octets: octets.length });
    return this.edit(octets, spoiled, offset, result);
  }

  splitsLeft() {
    return (
      this.settings.splits === undefined || this.inspector.splits === undefined || this.inspector.splits > 0
    );
  }

  /** The octets as the box passes them on, or null where it leaves them alone. */
  spoil(octets, begin, last) {
    const { damage } = this.settings;
    if (damage === null) return null;
    const spoiled = Buffer.from(octets);
    let changed = false;
    if (damage === 'seven-bit') {
      for (let at = 0; at < spoiled.length; at++) {
        if (spoiled[at] > 127) {
          spoiled[at] &= 127;
          changed = true;
        }
      }
      return changed ? spoiled : null;
    }
    // Behind the header, in runs inside of lines; the last segment is left alone, so that the end survives.
    if (begin < 1000 || last || this.damaged >= 3 || octets.length < 400) return null;
    const mark = damage === 'NUL' ? 0 : damage === 'text' ? 0x61 : damage.charCodeAt(0);
    for (let at = 100; at < 140; at++) {
      if (spoiled[at] !== 13 && spoiled[at] !== 10 && spoiled[at - 1] !== 13 && spoiled[at] !== mark) {
        spoiled[at] = mark;
        changed = true;
      }
    }
    if (changed) this.damaged++;
    return changed ? spoiled : null;
  }

  fromServer(fresh, offset) {
    const result = { pieces: [], answers: [], drop: false, reset: false };
    const { settings } = this;
    if (settings.dropsGreeting || this.losing) {
      if (settings.dropsGreeting && !this.greetingNoted) this.act('greeting-dropped', {});
      this.greetingNoted = true;
      result.drop = true;
      return result;
    }
    if (this.phase === 'tls') {
      this.pass(fresh, result);
      return result;
    }
    for (let at = 0; at < fresh.length; ) {
      const found = fresh.indexOf(10, at);
      const end = found < 0 ? fresh.length : found + 1;
      this.replyLine(fresh.subarray(at, end), offset + at, result);
      at = end;
    }
    return result;
  }

  replyLine(octets, offset, result) {
    const text = octets.toString('latin1');
    const content = text.replace(/[\r\n]+$/, '');
    const ending = text.slice(content.length);
    const verb = this.pending[0] ?? '';
    const last = content[3] !== '-';
    const first = !this.replyOpen;
    this.replyOpen = !last;
    let changed = content;
    if (verb === '(greeting)') changed = this.greeting(content, first);
    else if (verb === 'EHLO' && content.startsWith('250')) changed = this.keyword(content, first, last);
    if (last) {
      this.pending.shift();
      if (verb === 'DATA' && content.startsWith('354')) {
        this.phase = 'data';
        this.tail = '\r\n';
        this.mailOctets = 0;
      } else if (verb === 'AUTH' && content.startsWith('334')) this.phase = 'auth';
      else if (verb === 'STARTTLS' && content.startsWith('220')) this.phase = 'tls';
      else if (verb === 'BDAT' && !content.startsWith('2')) this.phase = 'command';
    }
    if (changed === content) {
      this.pass(octets, result);
      return;
    }
    const after = changed === null ? Buffer.alloc(0) : Buffer.from(changed + ending, 'latin1');
    if (changed === null && last) this.endBefore(octets, offset, result);
    this.act('edited', { direction: 'server', offset, before: Buffer.from(octets), after });
    result.pieces.push({ before: octets.length, after });
  }

  /** The last line of a reply goes: the one in front of it becomes the last, `250-` becomes `250 `. */
  endBefore(octets, offset, result) {
    let at = offset;
    for (let index = result.pieces.length - 1; index >= 0; index--) {
      const piece = result.pieces[index];
      at -= piece.before;
      if (piece.after.length === 0) continue;
      const before = Buffer.from(piece.after);
      piece.after = Buffer.from(piece.after);
      piece.after[3] = 0x20;
      this.act('edited', { direction: 'server', offset: at, before, after: piece.after });
      return;
    }
    throw new Error(`a line of ${octets.length} octets has none in front of it in its segment`);
  }

  greeting(content, first) {
    const { settings } = this;
    if (settings.ownGreeting) {
      this.act('greeting-replaced', { text: content, to: settings.ownGreeting });
      return settings.ownGreeting;
    }
    const style = settings.greeting;
    if (style === null) return content;
    if (style === 'with-code') {
      this.act('greeting-masked', { style, text: content });
      return '*'.repeat(content.length);
    }
    const keepsCode = first || settings.laterLines === 'all';
    const from = keepsCode ? 4 : 0;
    // The fourth octet of a single line is the blank behind a 0, or masked as well.
    const joint = settings.masksBlank && keepsCode && content[3] === ' ' ? '*' : content.slice(3, 4);
    const text = content.slice(from);
    const masked = (keepsCode ? content.slice(0, 3) + joint : '') + maskedText(text, style);
    if (masked !== content) {
      this.act('greeting-masked', { style, text: content, to: masked, first, lostCode: !keepsCode });
    }
    return masked;
  }

  keyword(content, first, last) {
    const { settings } = this;
    if (first) {
      this.letter = 0;
      return content;
    }
    if (settings.keywords === null) return content;
    const text = content.slice(4);
    const word = text.split(' ')[0].toUpperCase();
    const lets =
      typeof settings.keywords === 'function' ? settings.keywords(word) : settings.keywords.includes(word);
    if (settings.mask === 'remove') {
      if (!lets) {
        this.act('keyword-removed', { keyword: text });
        return null;
      }
      return content;
    }
    if (lets) return content;
    const to = maskedKeyword(text, settings.mask, this.letter++);
    if (to !== text) this.act('keyword-masked', { keyword: text, to, last });
    return content.slice(0, 4) + to;
  }
}

function maskedKeyword(text, style, index) {
  if (style === 'letter') return 'X'.repeat(text.length - 1) + String.fromCharCode(65 + (index % 26));
  if (style === 'blank') return ' '.repeat(text.length);
  return style.repeat(text.length);
}
