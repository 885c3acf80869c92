import {
  type ConnectionListener,
  type ConnectionView,
  type Gap,
  StreamChunk,
  type StreamListener,
} from '../stream/event.js';
import { ClientDialogue } from './client-dialogue.js';
import type { DigestFactory } from './digest.js';
import { DialogueContext } from './dialogue-context.js';
