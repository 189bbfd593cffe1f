/** Benchmark page of the store. */
import { passCalls } from '../pass-calls';

passCalls(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'store-bench' }));
