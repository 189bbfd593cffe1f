/** The diagnosis worker: wires the session to the message port, nothing more. */
import { DiagnosisSession } from './diagnosis/session';
import type { DiagnosisApi } from './diagnosis.api';
import { exposeWorker } from './expose';

exposeWorker<DiagnosisApi>(new DiagnosisSession(self.location.href));
