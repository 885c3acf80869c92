import type { Diagnosis } from './diagnosis.js';

/** A digit, a hexadecimal digit, a dot or a colon: what an address is written with, and no command. */
const ADDRESS = /^[0-9a-f.:]+$/;

/**
 * Commands for the box's owner to see for themselves, ready to paste; lines with `!` are remarks to Cisco's command
 * line. Empty where no command line is known.
 *
 * The inside interface may know the server by another address (NAT): a remark says so.
 */
export function verifyCommands(
  { vendor, product }: Diagnosis['device'],
  server: Diagnosis['server'],
): string[] {
  if (vendor !== 'Cisco' || !ADDRESS.test(server.address)) return [];
  const match = `match tcp any host ${server.address} eq ${server.port}`;
  const inspection =
    product === 'PIX'
      ? ['show version', 'show fixup']
      : product.startsWith('PIX')
        ? [
            'show version',
            '! PIX up to 6.x:',
            'show fixup',
            '! otherwise:',
            'show running-config policy-map',
            'show service-policy inspect esmtp',
          ]
        : ['show version', 'show running-config policy-map', 'show service-policy inspect esmtp'];
  if (product === 'PIX') return inspection;
  return [
    ...inspection,
    '! the same mail on both sides; inside, NAT may give it another address',
    `capture mw-out interface outside ${match}`,
    `capture mw-in interface inside ${match}`,
    '! send one mail, fetch both captures, then:',
    'no capture mw-out',
    'no capture mw-in',
  ];
}
