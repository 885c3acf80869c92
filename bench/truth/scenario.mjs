/** One scenario: a plot, its conversations, what the taps hold, and what that proves. */
import { COMPLETE, fileOf, record, Tap } from './capture.mjs';
import { converse } from './conversation.mjs';
import { draw } from './draw.mjs';
import { Claims, judge } from './oracle.mjs';
import { BOXED, HONEST, UNBOXED } from './plots.mjs';
import { Random } from './random.mjs';
import { SERVERS } from './servers.mjs';

export const TROUBLED = { ...BOXED, ...UNBOXED };
const HONEST_SESSIONS = 50;

/** What captures lack now and then. `both` stands at two places, so a lack there would only blur the pairing: none. */
function condition(random, view, fromUs, toUs) {
  const chosen = {
    ...COMPLETE,
    format: random.chance(0.25) ? 'pcapng' : 'pcap',
    nanoseconds: random.chance(0.15),
    vlan: random.chance(0.12) ? random.whole(2, 4000) : null,
  };
  const lack = random.next();
  if (view === 'both' || lack < 0.72) return chosen;
  const span = toUs - fromUs;
  if (lack < 0.8) chosen.untilUs = fromUs + span * random.between(0.3, 0.95);
  else if (lack < 0.83) chosen.fromUs = fromUs + span * random.between(0.02, 0.3);
  else if (lack < 0.86) chosen.snapLength = random.pick([96, 128, 256]);
  else if (lack < 0.89) chosen.only = random.pick(['client', 'server']);
  else if (lack < 0.92) chosen.lossPercent = random.between(1, 8);
  else if (lack < 0.96) chosen.doubled = true;
  else chosen.offload = view === 'outside' ? 'client' : 'server';
  return chosen;
}

function lacks({ untilUs, fromUs, snapLength, only, lossPercent, doubled, offload }) {
  const list = [];
  if (Number.isFinite(untilUs)) list.push('ends early');
  if (Number.isFinite(fromUs)) list.push('begins late');
  if (snapLength < 1000) list.push(`snap length ${snapLength}`);
  if (only) list.push(`only what the ${only} sent`);
  if (lossPercent > 0) list.push(`loses ${lossPercent.toFixed(1)} % of the packets`);
  if (doubled) list.push('every packet twice');
  if (offload) list.push(`checksums of the ${offload} are filled in later`);
  return list;
}

function play(settings, taps, numbering) {
  return converse(
    {
      ...settings,
      serverStackName: SERVERS[settings.server].stack,
      serverOffers8bit: SERVERS[settings.server].keywords.some((keyword) => /^8bitmime/i.test(keyword)),
    },
    taps,
    numbering,
  );
}

/**
 * @param options  `plot`: its name; `view`: `outside`, `inside` or `both`; each drawn when it is not given
 * @returns `captures` (`{view, file, octets}`), `verdict(rule)`, `troubled(rule)`, `story()`
 */
export function troubledScenario(seed, options = {}) {
  const random = new Random(seed);
  const name = options.plot ?? random.pick(Object.keys(TROUBLED));
  const plot = TROUBLED[name];
  const drawnView = random.pick(['outside', 'outside', 'inside', 'both', 'both']);
  const view = options.view ?? plot.view ?? (plot.aims.length > 0 ? drawnView : 'outside');
  const settings = plot.make(random.fork());
  if (view === 'both') translated(settings, random);
  const others = view === 'both' || random.chance(0.5) ? [] : [draw(random.fork())];
  return staged(seed, name, view, settings, others, random);
}

/** Between two captures of a firewall there is often a translation, and what it leaves alone is what pairs them. */
function translated(settings, random) {
  if (!random.chance(0.35)) return;
  const server = 0x0a000100 + random.whole(2, 250);
  const [port, randomises] = [random.chance(0.4), random.chance(0.5)];
  const client = random.chance(0.4) ? 0x0a0000fe : null;
  for (const each of settings) {
    if (each.translation || settings.length > 1) continue;
    each.publicIp = each.serverIp;
    each.translation = { server, client, port, randomises, keepsSack: false };
  }
}

const shifted = (records, us) =>
  us === 0 ? records : records.map((noted) => ({ ...noted, atUs: noted.atUs + us }));

/** Two capturing machines seldom have one clock (microseconds). */
const clockSkew = (random) => random.pick([0, 0, 0, 40_000, -700_000, 3_600_000_000]);

function staged(seed, name, view, settings, others, random) {
  const taps = { outside: new Tap('outside'), inside: new Tap('inside') };
  const numbering = { next: 1 };
  const conversations = [...settings, ...others].map((each) => play(each, taps, numbering));
  const claims = new Claims();
  for (const conversation of conversations) judge(conversation, claims);
  together(name, conversations, claims);
  const times = [...taps.outside.passed, ...taps.inside.passed].map(({ atUs }) => atUs);
  const kind = condition(random, view, Math.min(...times), Math.max(...times));
  const captures = [];
  const missing = [];
  const skewUs = view === 'both' ? clockSkew(random) : 0;
  for (const side of view === 'both' ? ['inside', 'outside'] : [view]) {
    const recorded = record([taps[side]], kind, random);
    missing.push(recorded.missing);
    captures.push({
      side,
      extension: kind.format === 'pcapng' ? 'pcapng' : 'pcap',
      octets: fileOf(shifted(recorded.records, side === 'inside' ? skewUs : 0), kind),
      packets: recorded.records.length,
    });
  }
  const wholeUntil = (connection) =>
    Math.min(...missing.map((each) => each.get(connection) ?? Number.POSITIVE_INFINITY));
  return {
    seed,
    name,
    view,
    lacks: lacks(kind),
    conversations,
    captures,
    claims,
    verdict: (rule) => claims.verdict(rule, view, wholeUntil),
    troubled: (rule) => claims.troubled(rule, view, wholeUntil),
  };
}

/** What only several conversations together show. */
function together(name, conversations, claims) {
  if (name === 'one answers for three') {
    for (const { connections } of conversations.slice(0, 3))
      claims.add('proxy-in-path', connections[0], { outside: 'must' });
  }
  if (name === 'shown to some') {
    for (const { connections } of conversations) {
      const removed = connections[0].acts.some(({ kind }) => kind === 'keyword-removed');
      if (removed) claims.add('capability-removed', connections[0], { outside: 'must', both: 'must' });
      claims.may(['starttls-stripped', 'verb-rejected'], connections[0]);
    }
  }
}

/** Many sessions with nothing in the way, in one capture. @param options  `plot`: all of one kind; `sessions` */
export function honestScenario(seed, options = {}) {
  const random = new Random(seed);
  const names = options.plot ? [options.plot] : Object.keys(HONEST);
  const taps = { outside: new Tap('outside'), inside: new Tap('inside') };
  const numbering = { next: 1 };
  const claims = new Claims();
  const conversations = [];
  const near = new Set();
  const view = options.view ?? random.pick(['outside', 'inside', 'outside', 'inside', 'both']);
  while (numbering.next <= (options.sessions ?? HONEST_SESSIONS)) {
    const name = random.pick(names);
    const settings = HONEST[name].make(random.fork());
    // Servers and clients of different conversations are different machines.
    settings.clientIp = (0x0a140000 + random.whole(2, 65_000)) >>> 0;
    if (!settings.translation) settings.serverIp = (0xac100000 + random.whole(2, 65_000)) >>> 0;
    else settings.translation.server = (0x0a640000 + random.whole(2, 65_000)) >>> 0;
    if (settings.publicIp) settings.publicIp = (0xac110000 + random.whole(2, 65_000)) >>> 0;
    settings.startUs += random.whole(0, 3_600) * 1e6;
    const conversation = play(settings, taps, numbering);
    conversation.plot = name;
    judge(conversation, claims);
    conversations.push(conversation);
    for (const rule of HONEST[name].near) near.add(rule);
  }
  const times = taps.outside.passed.map(({ atUs }) => atUs);
  const kind = condition(random, view, Math.min(...times), Math.max(...times));
  const captures = [];
  for (const side of view === 'both' ? ['inside', 'outside'] : [view]) {
    const recorded = record([taps[side]], kind, random);
    captures.push({
      side,
      extension: kind.format === 'pcapng' ? 'pcapng' : 'pcap',
      octets: fileOf(recorded.records, kind),
      packets: recorded.records.length,
    });
  }
  const sessions = conversations.reduce((sum, { connections }) => sum + connections.length, 0);
  return {
    seed,
    name: options.plot ?? 'honest',
    view,
    lacks: lacks(kind),
    conversations,
    captures,
    claims,
    near,
    sessions,
    verdict: (rule) => claims.verdict(rule, view, () => 0),
    troubled: (rule) => claims.troubled(rule, view, () => 0),
  };
}
