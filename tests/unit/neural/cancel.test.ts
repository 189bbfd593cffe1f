/** How soon a training hears of a cancel: after the piece of work at hand, however large the batch or the validation set. */
import { afterEach, expect, it, vi } from 'vitest';
import type { FitData, FitOptions } from '$lib/neural';
import type { Chunk, Executor } from '$lib/neural/executor';
import { localGradients, runFit } from '$lib/neural/fit';
import { planNetwork } from '$lib/neural/network-spec';

const chunkRows = 16;
const steps = 4;
const plan = planNetwork({ features: 1, layers: [{ kind: 'lstm', units: 1, returnSequences: true }] });
const windows = (count: number): FitData => ({
	inputs: new Float32Array(count * steps),
	targets: new Float32Array(count * steps),
	count,
	steps
});

afterEach(() => vi.restoreAllMocks());

/** Trains on 1,000 rows in one batch; a person cancels in the first piece of work of a kind. Gives the rows of each piece. */
async function cancelledIn(kind: 'accumulate' | 'evaluate'): Promise<{ kind: string; rows: number }[]> {
	// Every piece takes long enough that the loop must look at its events.
	let now = 0;
	vi.spyOn(performance, 'now').mockImplementation(() => (now += 1000));
	const abort = new AbortController();
	const pieces: { kind: string; rows: number }[] = [];
	const work = (done: string, { rows }: Chunk) => {
		pieces.push({ kind: done, rows });
		if (done === kind) setImmediate(() => abort.abort());
	};
	const executor = {
		plan,
		setWeights() {},
		startTraining() {},
		endTraining() {},
		step() {},
		accumulate: (chunk: Chunk) => work('accumulate', chunk),
		evaluate: async (chunk: Chunk) => {
			work('evaluate', chunk);
			return 1;
		},
		takeLoss: async () => 1
	} as unknown as Executor;
	const data = windows(1000);
	const options: FitOptions = {
		epochs: 5,
		batchSize: 1000,
		learningRate: 1,
		seed: 1,
		validation: windows(500),
		signal: abort.signal
	};
	const gradients = localGradients(executor, data, options, chunkRows);
	const job = runFit({ executor, chunkRows, gradients, lossEvery: 1 }, data, options);
	await expect(job).rejects.toMatchObject({ code: 'aborted' });
	return pieces;
}

it('a cancel in the middle of a batch is heard before the next piece of it', async () => {
	const pieces = await cancelledIn('accumulate');
	expect(pieces).toHaveLength(1);
	expect(pieces[0]!.rows).toBeLessThanOrEqual(chunkRows);
});

it('a cancel in the middle of validation is heard before its next piece', async () => {
	const pieces = await cancelledIn('evaluate');
	expect(pieces.filter(({ kind }) => kind === 'evaluate')).toHaveLength(1);
	expect(Math.max(...pieces.map(({ rows }) => rows))).toBeLessThanOrEqual(chunkRows);
});
