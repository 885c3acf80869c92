import type { KeysOf } from './shared-keys.js';

/** Both initial sequence numbers: nothing else is compared. */
export const bothSequenceNumbers: KeysOf = (keys, at, tell) => {
  tell(keys.clientIsn[at]! * 2 ** 20 + (keys.serverIsn[at]! & 0xfffff));
};

/** One of them, between the same endpoints. */
export const sequenceNumberAndEndpoints: KeysOf = (keys, at, tell) => {
  const between = ((keys.endpoints[at]! % 2 ** 20) + 1) * 2 ** 32;
  tell(between + keys.clientIsn[at]!);
  tell(-between - keys.serverIsn[at]!);
};

export const eitherSequenceNumber: KeysOf = (keys, at, tell) => {
  tell(keys.clientIsn[at]! + 1);
  tell(-keys.serverIsn[at]! - 1);
};

export const bothTimestamps: KeysOf = (keys, at, tell) => {
  tell(keys.clientTsval[at]! * 2 ** 20 + (keys.serverTsval[at]! & 0xfffff) + 1);
};

export const endpoints: KeysOf = (keys, at, tell) => {
  tell(keys.endpoints[at]!);
};

/** The client's alone: the server has another address on the other side. */
export const clientEndpoint: KeysOf = (keys, at, tell) => {
  tell(keys.clientEndpoint[at]!);
};

export const clientPort: KeysOf = (keys, at, tell) => {
  tell(keys.clientPort[at]!);
};

export const messageTo: KeysOf = (keys, at, tell) => {
  for (let place = keys.messagesFrom[at]!; place < keys.messagesFrom[at + 1]!; place++) {
    tell(keys.messageTo[place]!);
  }
};

export const messageName: KeysOf = (keys, at, tell) => {
  for (let place = keys.messagesFrom[at]!; place < keys.messagesFrom[at + 1]!; place++) {
    tell(keys.messageName[place]!);
  }
};

export const lineLengths: KeysOf = (keys, at, tell) => {
  if (keys.smtp[at]) tell(keys.lengths[at]!);
};

export const hello: KeysOf = (keys, at, tell) => {
  tell(keys.hello[at]!);
};

export const envelope: KeysOf = (keys, at, tell) => {
  tell(keys.envelope[at]!);
};

/** Any two sessions of mail: only the time is left. */
export const anyMail: KeysOf = (keys, at, tell) => {
  if (keys.smtp[at]) tell(1);
};
