/** Import worker: wires the reading of files to storage and the live channel of this browser, and exposes it. */
import { exposeWorker } from './expose';
import type { ImportApi } from './import.api';
import { ImportJob } from './import/import-job';

exposeWorker<ImportApi>(new ImportJob());
