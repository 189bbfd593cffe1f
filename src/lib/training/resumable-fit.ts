/**
 * Training: a network's fit that goes on where it was left. In: a network, data, options and a place for checkpoints. Out: what
 * `fit` gives, equal bit for bit to an unbroken run (on the same number of workers), whatever ended it in between.
 *
 * A job may fit several networks one after the other: each is known by a fingerprint of all that decides its result, so
 * networks that were finished are taken as they were, and a checkpoint of other data or settings is never used.
 */
import type { FitCheckpoint, FitData, FitOptions, FitResult, Network } from '../neural/engine';
import { sha256Hex } from './checksum';

const format: FitCheckpoint['format'] = 1;

export interface CheckpointPlace {
	/** What was saved under this name, if anything. */
	load(fit: string): Promise<FitCheckpoint | undefined>;
	save(fit: string, checkpoint: FitCheckpoint): Promise<void>;
	/** A checkpoint could not be saved: training goes on, but a reload would lose it. */
	onProblem?(error: unknown): void;
}

export async function fitResumably(
	network: Network,
	data: FitData,
	options: Omit<FitOptions, 'onCheckpoint' | 'resumeFrom'>,
	place: CheckpointPlace | false | undefined
): Promise<FitResult> {
	if (!place) return network.fit(data, options);
	const fit = await fingerprint(network, data, options);
	const resumeFrom = await place.load(fit);
	const saver = new NewestOnly((checkpoint: FitCheckpoint) => place.save(fit, checkpoint), place.onProblem);
	try {
		return await network.fit(data, { ...options, resumeFrom, onCheckpoint: (checkpoint) => saver.offer(checkpoint) });
	} finally {
		await saver.idle();
	}
}

/** Saves one checkpoint at a time; of those that come meanwhile, the newest. */
class NewestOnly<T> {
	private waiting: T | undefined;
	private working: Promise<void> | undefined;

	constructor(
		private readonly save: (value: T) => Promise<void>,
		private readonly onProblem: ((error: unknown) => void) | undefined
	) {}

	offer(value: T): void {
		this.waiting = value;
		this.working ??= this.work().finally(() => (this.working = undefined));
	}

	async idle(): Promise<void> {
		await this.working;
	}

	private async work(): Promise<void> {
		while (this.waiting !== undefined) {
			const value = this.waiting;
			this.waiting = undefined;
			try {
				await this.save(value);
			} catch (error) {
				this.onProblem?.(error);
			}
		}
	}
}

/** SHA-256 over the network, its weights as they are, the data and every option that changes the result. */
async function fingerprint(network: Network, data: FitData, options: FitOptions): Promise<string> {
	const { validation, signal: _signal, onProgress: _onProgress, workers: _workers, ...deciding } = options;
	const words = JSON.stringify([
		format,
		network.spec,
		deciding,
		data.count,
		data.steps,
		validation?.count,
		validation?.steps
	]);
	const arrays = [await network.getWeights(), data.inputs, data.targets, validation?.inputs, validation?.targets];
	const parts = [
		new TextEncoder().encode(words),
		...arrays.flatMap((array) => (array ? [new Uint8Array(array.buffer, array.byteOffset, array.byteLength)] : []))
	];
	return sha256Hex(await new Blob(parts as BlobPart[]).arrayBuffer());
}
