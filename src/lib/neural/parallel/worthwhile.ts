/**
 * Neural: how many workers pay. In: a network, its windows and batches, the cores there are. Out: how many of them `fit` should use.
 * Each step costs a worker one exchange of gradients; where its share of the batch takes little longer than that, one is faster.
 */
import type { NetworkSpec } from '../engine';
import { forwardFlops, planNetwork } from '../network-spec';

/** Below this many floating-point operations a step, a worker's share costs hardly more than the exchange: measured both by messages and through shared memory, see the README. */
const leastFlopsPerWorker = 25e6;
/** More add memory and exchange, and little speed: a batch has few rows for each. */
const mostWorkers = 8;
const leastRowsPerWorker = 4;

/** Workers for `fit`, from 1 up. With more than two cores one is left to the page and to live scoring. */
export function worthwhileWorkers(spec: NetworkSpec, steps: number, batchSize: number, cores: number): number {
	const stepFlops = 3 * batchSize * forwardFlops(planNetwork(spec), steps);
	const free = cores > 2 ? cores - 1 : cores;
	const most = Math.min(free, mostWorkers, batchSize / leastRowsPerWorker, stepFlops / leastFlopsPerWorker);
	return Math.max(1, Math.floor(most));
}
