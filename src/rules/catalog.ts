import { eightBitMimeRejected } from './8bitmime-rejected.js';
import { eightBitMimeUnadvertised } from './8bitmime-unadvertised.js';
import { attachmentDamaged } from './attachment-damaged.js';
import { authDropped } from './auth-dropped.js';
import { bannerMasked } from './banner-masked.js';
import { bannerProxy } from './banner-proxy.js';
import { capabilityMasked } from './capability-masked.js';
import { capabilityRemoved } from './capability-removed.js';
import { charModeTelnet } from './char-mode-telnet.js';
import { connectionBlocked } from './connection-blocked.js';
import { duplicateDelivery } from './duplicate-delivery.js';
import { ehloRejected } from './ehlo-rejected.js';
import { endOfDataSplit } from './end-of-data-split.js';
import { endOfDataUnacknowledged } from './end-of-data-unacknowledged.js';
import { greetingMissing } from './greeting-missing.js';
import { greetingStalled } from './greeting-stalled.js';
import { inspectionLimit } from './inspection-limit.js';
import { link2stateDropped } from './link2state-dropped.js';
import { ndr8bitmime } from './ndr-8bitmime.js';
import { pathMtuBlackHole } from './path-mtu-black-hole.js';
import { relayDeniedAfterAuthDropped } from './relay-denied-after-auth-dropped.js';
import { replySpoofed } from './reply-spoofed.js';
import { resetForged } from './reset-forged.js';
import { resetInSession } from './reset-in-session.js';
import type { Rule } from './rule.js';
import { sackImpossible } from './sack-impossible.js';
import { segmentOverMss } from './segment-over-mss.js';
import { senderWorkaround } from './sender-workaround.js';
import { starttlsStripped } from './starttls-stripped.js';
import { tlsHandshakeBroken } from './tls-handshake-broken.js';
import { verbMasked } from './verb-masked.js';
import { verbRejected } from './verb-rejected.js';
import { verbRewritten } from './verb-rewritten.js';
import { verbSwallowed } from './verb-swallowed.js';

/** Every rule, in the order of the documentation. An id is never used again for something else. */
export const catalog: readonly Rule[] = [
  bannerMasked,
  bannerProxy,
  greetingStalled,
  capabilityMasked,
  capabilityRemoved,
  verbMasked,
  verbRewritten,
  verbSwallowed,
  verbRejected,
  replySpoofed,
  ehloRejected,
  authDropped,
  starttlsStripped,
  tlsHandshakeBroken,
  link2stateDropped,
  relayDeniedAfterAuthDropped,
  eightBitMimeRejected,
  eightBitMimeUnadvertised,
  ndr8bitmime,
  duplicateDelivery,
  endOfDataUnacknowledged,
  endOfDataSplit,
  attachmentDamaged,
  inspectionLimit,
  charModeTelnet,
  senderWorkaround,
  connectionBlocked,
  segmentOverMss,
  pathMtuBlackHole,
  sackImpossible,
  greetingMissing,
  resetForged,
  resetInSession,
];
