/** Page of `npm run bench:simrul`: hands one class at a time to the worker. */
import { passCalls } from '../pass-calls';

passCalls(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'simrul-bench' }));
