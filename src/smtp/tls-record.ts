/** Type, version, length: the header of a TLS record. RFC 8446 §5.1. */
export const TLS_HEADER_OCTETS = 5;

const CHANGE_CIPHER_SPEC = 20;
const HANDSHAKE = 22;
const HEARTBEAT = 24;
/** 2^14 octets, and what TLS 1.2 allows a cipher to add. RFC 5246 §6.2.3. */
const MAX_FRAGMENT = (1 << 14) + 2048;

/**
 * Do these octets begin a TLS record? As far as they go: none of them speaks against it.
 *
 * @param head  latin1; only its first five octets are looked at
 */
export function isTlsRecord(head: string): boolean {
  const octet = (index: number, least: number, most: number): boolean =>
    head.length <= index || (head.charCodeAt(index) >= least && head.charCodeAt(index) <= most);
  if (!octet(0, CHANGE_CIPHER_SPEC, HEARTBEAT)) return false;
  // 3.0 to 3.4; 1.1 is that of the Chinese national protocol, which is else the same.
  if (!octet(1, 3, 3) && head.charCodeAt(1) !== 1) return false;
  if (!octet(2, 0, 4)) return false;
  if (head.length < TLS_HEADER_OCTETS) return true;
  const length = head.charCodeAt(3) * 256 + head.charCodeAt(4);
  return length > 0 && length <= MAX_FRAGMENT;
}

/** Octets behind the header of a handshake record, as it says; null when this is none. */
export function handshakeOctets(head: string): number | null {
  if (head.length < TLS_HEADER_OCTETS || !isTlsRecord(head) || head.charCodeAt(0) !== HANDSHAKE) return null;
  return head.charCodeAt(3) * 256 + head.charCodeAt(4);
}

/** An SSL 2.0 hello: two octets of length with the highest bit set, then CLIENT-HELLO or SERVER-HELLO. */
export function isSsl2Hello(head: string): boolean {
  const kind = head.charCodeAt(2);
  return (head.charCodeAt(0) & 0x80) !== 0 && (kind === 1 || kind === 4);
}
