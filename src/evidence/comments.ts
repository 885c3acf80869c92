import type { Finding } from '../finding/finding.js';
import { basename } from '../platform/platform.js';
import { printableOctets, printableText } from '../report/printable.js';
import type { BlankedPacket } from './blanking.js';
import type { ChosenPacket, Part } from './frame-choice.js';
import type { Sameness } from './same-finding.js';

/** Frames that the section's comment names. */
const MAX_NAMED = 40;
const MAX_MESSAGE = 2000;

const PARTS: Readonly<Record<Exclude<Part, 'proof'>, string>> = {
  handshake: 'the handshake',
  end: "the connection's end",
  context: 'beside the proof',
  time: 'the last packet of the capture: it went on until then',
};

const BOTH_SIDES =
  'Both sides of the box are here, as the interfaces inside and outside: show one by frame.interface_name == "inside". What passed unchanged is there twice and may be taken for a retransmission. Clocks are as they were.';

/**
 * What stands beside a packet.
 *
 * @param files  the captures, by their ordinal; only the last part of a name is told
 */
export function commentOf(
  finding: Finding,
  { packet, part }: ChosenPacket,
  { credentials, text }: BlankedPacket,
  files: readonly string[],
): string {
  const notes = finding.evidence
    .filter((one) => one.capture === packet.capture && one.packet === packet.frame)
    .map(({ note }) => note);
  const what = part === 'proof' ? `proof: ${[...new Set(notes)].join('; ') || finding.title}` : PARTS[part];
  const where = `frame ${packet.frame} of ${nameOf(files, packet.capture)}`;
  const blanked = [
    ...(credentials > 0 ? [`${count(credentials)} of credentials`] : []),
    ...(text > 0 ? [`${count(text)} of text`] : []),
  ];
  const overwritten = blanked.length > 0 ? `; ${blanked.join(' and ')} overwritten` : '';
  return `${finding.rule}: ${printableOctets(what)} (${where}${overwritten})`;
}

/** What stands in front of all packets. */
export function sectionComment(
  finding: Finding,
  chosen: readonly ChosenPacket[],
  sameness: Exclude<Sameness, null>,
  files: readonly string[],
  bothSides: boolean,
): string {
  const { rule, confidence, severity, title, message, server } = finding;
  const proofs = chosen.filter(({ part }) => part === 'proof').map(({ packet }) => packet);
  const captures = [...new Set(proofs.map(({ capture }) => capture))];
  const frames = captures.map((capture) => {
    const own = proofs.filter((packet) => packet.capture === capture).map(({ frame }) => frame);
    const more = own.length > MAX_NAMED ? ` and ${own.length - MAX_NAMED} more` : '';
    return `${own.slice(0, MAX_NAMED).join(', ')}${more} of ${nameOf(files, capture)}`;
  });
  return [
    `mailwitness ${rule} (${severity}, ${confidence}): ${title}`,
    printableOctets(message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}...` : message),
    `Server: ${server.address} port ${server.port}. Proved by frames ${frames.join('; ')}.`,
    ...(bothSides ? [BOTH_SIDES] : []),
    'Only the packets that prove it are here, and what they need around them: what is missing was left out, not lost.',
    ...(sameness === 'words'
      ? []
      : ['Read alone it gives this finding in other words: not all that was counted for it is here.']),
    'Credentials and the text of messages are overwritten; lengths, sequence numbers and times are as captured.',
  ].join('\n');
}

function nameOf(files: readonly string[], capture: number): string {
  return printableText(basename(files[capture] ?? ''));
}

function count(octets: number): string {
  return `${octets} octet${octets === 1 ? '' : 's'}`;
}
