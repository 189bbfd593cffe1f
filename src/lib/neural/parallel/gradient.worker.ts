/** Neural: a worker that computes its share of each batch's gradient and takes every step that the others take. */
import { toPlainError } from '../../contracts/error';
import { loadBackend } from '../backends';
import { createExecutor } from '../create-executor';
import type { Chunk, Executor } from '../executor';
import { evenChunks } from '../fit';
import { rowSizes } from '../fit-data';
import { planNetwork } from '../network-spec';
import type { FromHelper, ToHelper } from './protocol';

let executor: Executor | undefined;
let chunkRows = 1;

const reply = (message: FromHelper, transfer: Transferable[] = []) => self.postMessage(message, { transfer });

async function handle(message: ToHelper): Promise<void> {
	if (message.kind === 'start') {
		const loaded = await loadBackend(message.backend);
		executor = createExecutor(loaded, planNetwork(message.spec));
		executor.setWeights(message.weights);
		executor.startTraining(message.moments);
		chunkRows = message.chunkRows;
		reply({ kind: 'ready' });
	} else if (message.kind === 'compute') {
		const { rows, place } = message;
		for (const [from, to] of evenChunks(0, rows.rows, chunkRows))
			executor!.accumulate(partOf(executor!, rows, from, to), { ...place, firstRow: place.firstRow + from });
		const loss = await executor!.takeLoss();
		const gradient = await executor!.takeGradient();
		reply({ kind: 'gradient', gradient, loss }, [gradient.buffer as ArrayBuffer]);
	} else {
		executor!.setGradient(message.gradient);
		executor!.step(message.setting);
	}
}

function partOf({ plan }: Executor, rows: Chunk, from: number, to: number): Chunk {
	const sizes = rowSizes(plan, rows.steps);
	return {
		inputs: rows.inputs.subarray(from * sizes.input, to * sizes.input),
		targets: rows.targets.subarray(from * sizes.target, to * sizes.target),
		rows: to - from,
		steps: rows.steps
	};
}

/** One message after the other, in order, also where one waits. */
let last = Promise.resolve();
self.onmessage = (event: MessageEvent<ToHelper>) => {
	last = last
		.then(() => handle(event.data))
		.catch((error: unknown) => reply({ kind: 'failed', error: toPlainError(error) }));
};
