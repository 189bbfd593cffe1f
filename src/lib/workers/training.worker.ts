/** The training worker: wires the session to the message port, nothing more. */
import { exposeWorker } from './expose';
import type { TrainingApi } from './training.api';
import { TrainingSession } from './training/session';

exposeWorker<TrainingApi>(new TrainingSession());
