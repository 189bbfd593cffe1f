/** Files worker: wires storage's exports and backups to blobs and exposes them. */
import { exposeWorker } from './expose';
import type { FilesApi } from './files.api';
import { FileJobs } from './files/file-jobs';

exposeWorker<FilesApi>(new FileJobs());
