/** Benchmark page of detection. */
import { passCalls } from '../pass-calls';

passCalls(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'detection-bench' }));
