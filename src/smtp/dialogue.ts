import {
  type ConnectionListener,
  type ConnectionView,
  type Gap,
  StreamChunk,
  type StreamListener,
} from '../stream/event.js';
import { ClientSide } from './client-side.js';
import type { DigestFactory } from './digest.js';
import { ExchangeLog, type ReplyLine } from './exchange-log.js';
import { WireLine } from './line-splitter.js';
import { materialise } from './materialise.js';
import { ServerSide } from './server-side.js';
import type { SmtpSession } from './session.js';
import { Transcript, TranscriptStore } from './transcript.js';
