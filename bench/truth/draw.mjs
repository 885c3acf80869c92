/** What is common to all scenarios: who talks with whom, over which network, about what. */
import { CLIENTS } from './clients.mjs';
import { message } from './message.mjs';
import { address } from './packet.mjs';
import { SERVERS } from './servers.mjs';

export const START_US = Date.UTC(2024, 10, 5, 8, 0, 0) * 1000;
const NAMES = ['mail', 'mx', 'mx1', 'smtp', 'gate', 'relay', 'post', 'exchange01', 'mailserver'];
const ZONES = ['example.com', 'example.org', 'example.net', 'sales.example.com', 'corp.example.net'];
const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'eve', 'info', 'office', 'j.smith', 'k.jones'];

export const MTAS = ['postfix', 'exim', 'sendmail', 'qmail', 'exchange2003', 'exchange2016'];
export const USERS = ['msmtp', 'swaks', 'smtplib', 'nodemailer'];
export const ESMTP_SERVERS = Object.keys(SERVERS).filter((name) => SERVERS[name].hello !== null);
export const TLS_SERVERS = ESMTP_SERVERS.filter((name) => SERVERS[name].keywords.includes('STARTTLS'));
export const AUTH_SERVERS = ESMTP_SERVERS.filter(
  (name) => SERVERS[name].auth && SERVERS[name].keywords.some((k) => k.startsWith('AUTH ')),
);

/** @param near  how far the client is: a network of its own */
export function draw(
  random,
  { client, server, kind, startUs = START_US, mails, auth, size, signed, foreign = false, headers } = {},
) {
  const clientProgram = client ?? random.pick([...MTAS, ...MTAS, ...USERS]);
  const serverProgram = server ?? random.pick(Object.keys(SERVERS));
  const domain = random.pick(ZONES);
  const own = random.pick(ZONES.filter((zone) => zone !== domain));
  const at = startUs + random.whole(0, 600) * 1e6 + random.whole(0, 999_999);
  const count = mails ?? (random.chance(0.12) ? 2 : 1);
  const far = random.chance(0.7);
  const kinds = ['text', 'text', 'text', 'html', 'long', 'attachment', 'stars'];
  const letters = Array.from({ length: count }, () => {
    const envelope = {
      from: `${random.pick(PEOPLE)}@${own}`,
      to: Array.from(
        { length: random.chance(0.15) ? 2 : 1 },
        () => `${random.pick(PEOPLE)}@${foreign ? 'elsewhere.example' : domain}`,
      ),
      domain: own,
      atUs: at,
    };
    return message(random, envelope, kind ?? random.pick(kinds), {
      sizeOctets: size ?? random.whole(2000, 9000),
      signed,
      headers,
    });
  });
  const program = SERVERS[serverProgram];
  return {
    random,
    startUs: at,
    client: clientProgram,
    server: serverProgram,
    clientIp: address(`${random.pick(['198.51.100', '203.0.113', '192.0.2'])}.${random.whole(2, 250)}`),
    serverIp: address(`${random.pick(['203.0.113', '192.0.2', '198.51.100'])}.${random.whole(2, 250)}`),
    host: `${random.pick(NAMES)}.${domain}`,
    domain,
    plan: {
      helo: `${random.pick(['mta', 'out', 'client', 'host-12', 'ws07'])}.${own}`,
      mails: letters,
      habits: { bdat: CLIENTS[clientProgram]?.bdat === true && random.chance(0.5) },
      ending: random.chance(0.3)
        ? random.pick(['CRLF|.CRLF', 'CR|LF.CRLF', 'CRLF.|CRLF', 'CRLF.CR|LF'])
        : 'whole',
      auth: auth ?? false,
      tls: false,
      abrupt: random.chance(0.06) ? random.pick(['close', 'reset-after-quit']) : null,
    },
    near: { delayUs: random.whole(200, 3000), hops: far ? random.whole(3, 14) : 0 },
    far: { delayUs: random.whole(150, far ? 30_000 : 2000), hops: random.whole(0, far ? 9 : 2) },
    between: { hops: random.whole(0, 1) },
    serverSettings: {
      thinkMs: random.whole(1, 40),
      greetMs: random.whole(1, 300),
      endMs: random.whole(5, 800),
      tls: random.chance(0.5),
      auth: random.chance(0.4),
      without: random.some(program.optional, 0.3),
    },
    clientTcp: {},
    attempts: 3,
  };
}

/** Puts settings over drawn ones, one level deep. */
export function over(base, changes) {
  const merged = { ...base };
  for (const [key, value] of Object.entries(changes)) {
    const plain =
      value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype;
    merged[key] =
      plain && base[key] !== null && typeof base[key] === 'object' ? { ...base[key], ...value } : value;
  }
  return merged;
}
