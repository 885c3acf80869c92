import type { AddressTable } from '../wire/address.js';
import { Decoder, type SegmentListener } from '../wire/decode.js';
import { Reassembler } from './reassembler.js';

/** A decoder that also puts IP fragments together. */
export function createDecoder(
  listener: SegmentListener,
  ports: readonly number[],
  addresses: AddressTable,
): Decoder {
  return new Decoder(listener, ports, addresses, new Reassembler());
}
