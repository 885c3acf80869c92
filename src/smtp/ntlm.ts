/** Names in the messages of NTLM: MS-NLMP §2.2.1. */

const SIGNATURE = 'NTLMSSP\0';
const TYPE = 8;
const MIN_OCTETS = 12;
const NEGOTIATE = 1;
const CHALLENGE = 2;
const AUTHENTICATE = 3;
/** Where the length, and four octets on the place, of each name stands; each may be absent. */
const NAMES: Readonly<Record<number, readonly number[]>> = {
  [NEGOTIATE]: [16, 24],
  [CHALLENGE]: [12],
  [AUTHENTICATE]: [28, 36, 44],
};
const TARGET_INFO = 40;
/** MsvAvNbComputerName and MsvAvNbDomainName; the others are names of DNS, or none. */
const NETBIOS_NAMES = new Set([1, 2]);
const MAX_PAIRS = 16;

/** What it says in UTF-16, in which a name can also stand where a message was cut. */
const WIDE_RUN = /(?:[\x20-\x7e]\0){3,}/g;

/** Is the reply `334` a type 2 message? What is encoded of signature and type is the same in each. */
export function isNtlmChallenge(text: string): boolean {
  return text.startsWith('TlRMTVNTUAACAAAA', 4);
}

/** User, domain and workstation of a message, in one octet a character; empty when it is none of NTLM. */
export function ntlmNames(message: Buffer): string[] {
  if (message.length < MIN_OCTETS || message.latin1Slice(0, TYPE) !== SIGNATURE) return [];
  const type = message.readUInt32LE(TYPE);
  const places = NAMES[type];
  if (places === undefined) return [];
  const names = places.flatMap((at) => fieldAt(message, at).map(narrow));
  if (type === CHALLENGE)
    for (const pairs of fieldAt(message, TARGET_INFO)) names.push(...netbiosNames(pairs));
  return names.filter((name) => name !== '');
}

/** Runs of UTF-16 in any octets, in one octet a character. */
export function wideRuns(octets: string): string[] {
  return (octets.match(WIDE_RUN) ?? []).map((run) => run.replaceAll('\0', ''));
}

function fieldAt(message: Buffer, at: number): Buffer[] {
  if (at + 8 > message.length) return [];
  const start = message.readUInt32LE(at + 4);
  return [message.subarray(start, start + message.readUInt16LE(at))];
}

function netbiosNames(pairs: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0, count = 0; at + 4 <= pairs.length && count < MAX_PAIRS; count++) {
    const length = pairs.readUInt16LE(at + 2);
    if (NETBIOS_NAMES.has(pairs.readUInt16LE(at)))
      names.push(narrow(pairs.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return names;
}

/** OEM text as it is; of UTF-16 what is in its first 256. */
function narrow(name: Buffer): string {
  return name.latin1Slice().replaceAll('\0', '');
}
