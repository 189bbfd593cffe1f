/** Benchmark page of features, fault classifier and level watch. */
import { passCalls } from '../pass-calls';

passCalls(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'health-bench' }));
