/**
 * Neural: a worker that computes its share of each batch's gradient and takes every step that the others take.
 * In: messages of protocol.ts, or orders on a board in shared memory. Out: gradients. TensorFlow.js is loaded only for networks that the compiled kernels do not run:
 * a tablet starts one of these per core.
 */
import { toPlainError } from '../../contracts/error';
import type { BackendName } from '../backends';
import { CompiledExecutor, supportsFused } from '../compiled-executor';
import type { Chunk, Executor } from '../executor';
import { evenChunks } from '../fit';
import { rowSizes } from '../fit-data';
import { planNetwork, type NetworkPlan } from '../network-spec';
import { loadLstmModule, useBuild } from '../wasm/module';
import { GradientBoard } from './board';
import { workFromBoard } from './memory-exchange';
import type { FromHelper, ToHelper } from './protocol';

let executor: Executor | undefined;
let chunkRows = 1;
/** The array of the last sum: the next gradient goes out in it, so that a step allocates nothing. */
let spare: Float32Array | undefined;

const reply = (message: FromHelper, transfer: Transferable[] = []) => self.postMessage(message, { transfer });

async function handle(message: ToHelper): Promise<void> {
	if (message.kind === 'start') {
		if (message.build) useBuild(message.build);
		executor = await executorFor(message.backend, planNetwork(message.spec));
		executor.setWeights(message.weights);
		executor.startTraining(message.moments);
		chunkRows = message.chunkRows;
		reply({ kind: 'ready', lock: await holdLifeLock() });
		const { board } = message;
		if (board) await workFromBoard(executor, GradientBoard.at(board.memory, board.sizes), { ...board, chunkRows });
	} else if (message.kind === 'compute') {
		const { rows, place } = message;
		for (const [from, to] of evenChunks(0, rows.rows, chunkRows))
			executor!.accumulate(partOf(executor!, rows, from, to), { ...place, firstRow: place.firstRow + from });
		const loss = await executor!.takeLoss();
		const gradient = await takeGradient(executor!);
		reply({ kind: 'gradient', gradient, loss }, [gradient.buffer as ArrayBuffer]);
	} else {
		executor!.setGradient(message.gradient);
		spare = message.gradient;
		executor!.step(message.setting);
	}
}

async function takeGradient(from: Executor): Promise<Float32Array> {
	const inPlace = from.gradientInPlace?.();
	if (!inPlace) return from.takeGradient();
	const gradient = spare ?? new Float32Array(inPlace.length);
	spare = undefined;
	gradient.set(inPlace);
	return gradient;
}

/** A worker that is killed for its memory sends no event, but frees its lock: that is how the other side hears of it. */
function holdLifeLock(): Promise<string | undefined> {
	if (!navigator.locks) return Promise.resolve(undefined);
	const name = `millwright:gradient:${crypto.randomUUID()}`;
	return new Promise((resolve) => {
		navigator.locks
			.request(name, () => {
				resolve(name);
				return new Promise<void>(() => undefined);
			})
			.catch(() => resolve(undefined));
	});
}

async function executorFor(backend: BackendName, plan: NetworkPlan): Promise<Executor> {
	if (backend === 'wasm' && supportsFused(plan)) return new CompiledExecutor(await loadLstmModule(), plan);
	const [{ loadBackend }, { createExecutor }] = await Promise.all([
		import('../backends'),
		import('../create-executor')
	]);
	return createExecutor(await loadBackend(backend), plan);
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
