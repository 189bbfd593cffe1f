/** The inference worker: wires the session to the message port, nothing more. */
import type { InferenceApi } from './inference.api';
import { exposeWorker } from './expose';
import { InferenceSession } from './inference/session';

exposeWorker<InferenceApi>(new InferenceSession(self.location.href));
