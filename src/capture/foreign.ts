/** Octets of an unknown input that are looked at to say what it is. */
export const FOREIGN_SAMPLE = 512;

const CONVERT = "convert it with 'editcap -F pcapng IN OUT' and give the result";
const UNPACK = 'unpack it and give the captures inside';
const DECOMPRESS = 'decompress it and give the capture inside';

/** Beginning (one character per octet), what has it, what to do with it. */
const BEGINNINGS: readonly (readonly [string, string, string])[] = [
  ['\x1f\x8b', 'gzip data where a capture was expected (compressed twice?)', DECOMPRESS],
  ['\x28\xb5\x2f\xfd', 'zstd data where a capture was expected (compressed twice?)', DECOMPRESS],
  ['BZh', 'bzip2 data', DECOMPRESS],
  ['\xfd7zXZ\0', 'xz data', DECOMPRESS],
  ['\x04\x22\x4d\x18', 'lz4 data', DECOMPRESS],
  ['PK\x03\x04', 'a ZIP archive', UNPACK],
  ['7z\xbc\xaf\x27\x1c', 'a 7z archive', UNPACK],
  ['Rar!', 'a RAR archive', UNPACK],
  ['snoop\0\0\0', 'a snoop capture', CONVERT],
  ['\x54\x52\x53\x4e\x49\x46\x46 data', 'a Sniffer capture', CONVERT],
  ['XCP\0', 'a NetXRay or Windows Sniffer capture', CONVERT],
  ['GMBU', 'a Network Monitor capture', CONVERT],
  ['RTSS', 'a Network Monitor capture', CONVERT],
  ['iptrace ', 'an iptrace capture', CONVERT],
  ['\x05VNF', 'a Visual Networks capture', CONVERT],
  ['\x7fver', 'a Peek capture', CONVERT],
  ['%PDF', 'a PDF document', 'give the capture it was made from'],
];

const CAPTURE_WANTED = 'give a pcap or pcapng file, as tcpdump, dumpcap and Wireshark write them';

/** One sentence on octets that begin neither pcap nor pcapng: what they are, if known, and what to do. */
export function describeForeign(octets: Buffer): string {
  const beginning = octets.toString('latin1', 0, FOREIGN_SAMPLE);
  for (const [magic, what, remedy] of BEGINNINGS) {
    if (beginning.startsWith(magic)) return `This is ${what}, which is not read here: ${remedy}.`;
  }
  if (beginning.slice(257, 262) === 'ustar')
    return `This is a tar archive, which is not read here: ${UNPACK}.`;
  if (/^\s*(?:<!doctype html|<html)/i.test(beginning)) {
    return 'This is a web page, not a capture: the download may have failed; fetch the capture again.';
  }
  // Every control character is an octet that text does not have, except tab, line ends and page break.
  if (!/[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(beginning)) {
    return `This is text, not a capture: ${CAPTURE_WANTED}.`;
  }
  return `This is no capture that is read here: ${CAPTURE_WANTED}.`;
}
