/**
 * The filter of libpcap for mail on these ports: also within VLAN tags, one or two, and the later fragments of datagrams, which
 * have no ports.
 *
 * @param tags  false where the link has none: `any` refuses the word
 */
export function captureFilter(ports: readonly number[], tags: boolean): string {
  const mail = ports.map((port) => `tcp port ${port}`).join(' or ');
  const plain = `${mail} or (ip proto 6 and ip[6:2] & 0x1fff != 0)`;
  // `vlan` moves all that follows it in the expression: it comes last.
  return tags ? `${plain} or (vlan and (${mail} or (vlan and (${mail}))))` : plain;
}
