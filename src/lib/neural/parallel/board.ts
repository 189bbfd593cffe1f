/**
 * Neural: what workers that share a batch tell each other through shared memory, where the page is cross-origin isolated. In: orders
 * and steps of the thread that trains (worker 0), gradients and losses of all. Out: the same, to whoever waits for them.
 *
 * Batches count from 1. What belongs to a batch lies in one of two places, by its number's parity: a worker may write for the
 * next batch while others still read the last one. Nobody is further ahead than that, since a step waits for every worker's share.
 * A counter on a cache line of its own says up to which batch each thing is there; it is written after what it announces.
 */
import type { AdamSetting, Chunk } from '../executor';

export interface BoardSizes {
	/** Workers that share a batch, the thread that trains among them. */
	readonly workers: number;
	/** Floats of a gradient. */
	readonly gradient: number;
	/** Rows of a share at most, and floats of a row's input and target. */
	readonly rows: number;
	readonly input: number;
	readonly target: number;
}

/** What is to be done in a batch. Workers without a share have 0 rows. */
export interface Order {
	readonly batchRows: number;
	readonly seed: number;
	readonly shares: readonly (readonly [first: number, rows: number])[];
}

/** Ints of a cache line, so that counters of different writers do not share one. */
const line = 16;
const stepFields = ['step', 'learningRate', 'beta1', 'beta2', 'epsilon', 'weightDecay', 'clipNorm'] as const;
/** How long a worker looks for what it waits for before it sleeps: about what it takes to be woken. */
const spinMs = 1;

/** Counters: batches ordered, steps ordered, and from 2 on shares done by each worker. */
const ordered = 0;
const stepped = 1;
const done = (worker: number) => 2 + worker;

export class GradientBoard {
	private readonly counters: Int32Array;
	private readonly numbers: Float64Array;
	private readonly floats: Float32Array;
	private readonly perOrder: number;
	private readonly perShare: number;

	private constructor(
		readonly memory: SharedArrayBuffer,
		readonly sizes: BoardSizes
	) {
		const { workers, gradient, rows, input, target } = sizes;
		this.perOrder = 3 + 3 * workers;
		this.perShare = rows * (input + target);
		const countersEnd = (2 + workers) * line * 4;
		const numbers = 2 * this.perOrder + stepFields.length;
		const floatsAt = Math.ceil((countersEnd + numbers * 8) / 64) * 64;
		this.counters = new Int32Array(memory, 0, (2 + workers) * line);
		this.numbers = new Float64Array(memory, countersEnd, numbers);
		this.floats = new Float32Array(memory, floatsAt, 2 * (workers * gradient + (workers - 1) * this.perShare));
	}

	/** Undefined where there is no shared memory, or not that much. */
	static make(sizes: BoardSizes): GradientBoard | undefined {
		if (globalThis.crossOriginIsolated !== true) return undefined;
		const { workers, gradient, rows, input, target } = sizes;
		const floats = 2 * (workers * gradient + (workers - 1) * rows * (input + target));
		const bytes = (2 + workers) * line * 4 + 8 * (2 * (3 + 3 * workers) + stepFields.length) + 64 + floats * 4;
		try {
			return new GradientBoard(new SharedArrayBuffer(bytes), sizes);
		} catch {
			return undefined;
		}
	}

	/** The same memory, seen by another worker. */
	static at(memory: SharedArrayBuffer, sizes: BoardSizes): GradientBoard {
		return new GradientBoard(memory, sizes);
	}

	/** Where a worker's gradient of a batch lies. */
	gradient(batch: number, worker: number): Float32Array {
		const { workers, gradient } = this.sizes;
		const at = ((batch & 1) * workers + worker) * gradient;
		return this.floats.subarray(at, at + gradient);
	}

	/** Where the rows of a helper's share of a batch lie. */
	rows(batch: number, worker: number, rows: number): Pick<Chunk, 'inputs' | 'targets'> {
		const { workers, gradient, input, target } = this.sizes;
		const at = 2 * workers * gradient + ((batch & 1) * (workers - 1) + worker - 1) * this.perShare;
		const between = at + rows * input;
		return {
			inputs: this.floats.subarray(at, between),
			targets: this.floats.subarray(between, between + rows * target)
		};
	}

	/** Rows must lie there before; seen by others only after `announce`. */
	writeOrder(batch: number, { batchRows, seed, shares }: Order): void {
		const { numbers } = this;
		let at = (batch & 1) * this.perOrder;
		numbers[at++] = batchRows;
		numbers[at++] = seed;
		numbers[at++] = shares.length;
		for (const [first, rows] of shares) {
			numbers[at++] = first;
			numbers[at++] = rows;
		}
	}

	readOrder(batch: number): Order {
		const at = (batch & 1) * this.perOrder;
		const [batchRows, seed, count] = this.numbers.subarray(at, at + 3) as unknown as [number, number, number];
		const shares = Array.from(
			{ length: count },
			(_, k) => [this.numbers[at + 3 + 2 * k]!, this.numbers[at + 4 + 2 * k]!] as const
		);
		return { batchRows, seed, shares };
	}

	announceOrder(batch: number): void {
		this.count(ordered, batch);
	}

	/** A worker's gradient of a batch is complete, or it has no share in it. */
	announceShare(batch: number, worker: number, loss: number): void {
		this.numbers[this.lossAt(batch, worker)] = loss;
		this.count(done(worker), batch);
	}

	lossOf(batch: number, worker: number): number {
		return this.numbers[this.lossAt(batch, worker)]!;
	}

	/** All shares of the batch are there: everyone may add them up and take the step. */
	announceStep(batch: number, setting: AdamSetting): void {
		const at = 2 * this.perOrder;
		stepFields.forEach((field, k) => (this.numbers[at + k] = setting[field]));
		this.count(stepped, batch);
	}

	stepSetting(): AdamSetting {
		const at = 2 * this.perOrder;
		return Object.fromEntries(stepFields.map((field, k) => [field, this.numbers[at + k]!])) as unknown as AdamSetting;
	}

	/** Wait at most `sleepMs` (0: do not sleep, for threads that must not), after looking for a moment. True when it is there. */
	awaitOrder = (batch: number, sleepMs: number) => this.reaches(ordered, batch, sleepMs);
	awaitStep = (batch: number, sleepMs: number) => this.reaches(stepped, batch, sleepMs);
	awaitShare = (batch: number, worker: number, sleepMs: number) => this.reaches(done(worker), batch, sleepMs);

	/** Adds the first `shares` gradients of a batch up, in order: the same bits in every worker. */
	addUp(batch: number, shares: number, sum: Float32Array): void {
		const first = this.gradient(batch, 0);
		if (shares === 1) return sum.set(first);
		const second = this.gradient(batch, 1);
		for (let k = 0; k < sum.length; k++) sum[k] = first[k]! + second[k]!;
		for (let worker = 2; worker < shares; worker++) {
			const share = this.gradient(batch, worker);
			for (let k = 0; k < sum.length; k++) sum[k]! += share[k]!;
		}
	}

	private lossAt(batch: number, worker: number): number {
		return (batch & 1) * this.perOrder + 3 + 2 * this.sizes.workers + worker;
	}

	private count(counter: number, batch: number): void {
		Atomics.store(this.counters, counter * line, batch);
		Atomics.notify(this.counters, counter * line);
	}

	private reaches(counter: number, batch: number, sleepMs: number): boolean {
		const at = counter * line;
		const until = performance.now() + spinMs;
		let now = Atomics.load(this.counters, at);
		for (let look = 1; now < batch; look++) {
			now = Atomics.load(this.counters, at);
			if (look % 64 === 0 && performance.now() > until) break;
		}
		if (now < batch && sleepMs > 0) {
			Atomics.wait(this.counters, at, now, sleepMs);
			now = Atomics.load(this.counters, at);
		}
		return now >= batch;
	}
}
