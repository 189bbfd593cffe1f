/**
 * Neural: lays out the memory of one instance of the kernels. In: sizes. Out: byte offsets, 64-byte aligned. Below is what lasts
 * (weights, optimiser, stream states), above it the workspace of the run in hand, thrown away as a whole.
 */
import { MillwrightError } from '../../contracts/error';
import type { LstmExports } from './module';

const alignment = 64;
const page = 65536;

export class KernelMemory {
	#lasting: number;
	#top: number;
	readonly #free = new Map<number, number[]>();
	#floats = new Float32Array(0);
	#integers = new Int32Array(0);
	/** Grows by one whenever the workspace was thrown away: offsets taken before are no longer valid. */
	generation = 0;

	constructor(readonly kernels: LstmExports) {
		this.#lasting = align(kernels.heapBase());
		this.#top = this.#lasting;
	}

	/** The whole memory as floats. Do not keep: growing detaches it. */
	get floats(): Float32Array {
		if (this.#floats.buffer !== this.kernels.memory.buffer) this.#floats = new Float32Array(this.kernels.memory.buffer);
		return this.#floats;
	}

	get integers(): Int32Array {
		if (this.#integers.buffer !== this.kernels.memory.buffer)
			this.#integers = new Int32Array(this.kernels.memory.buffer);
		return this.#integers;
	}

	/** `count` floats at a byte offset. Do not keep. */
	view(at: number, count: number): Float32Array {
		return this.floats.subarray(at >> 2, (at >> 2) + count);
	}

	zero(at: number, bytes: number): void {
		this.floats.fill(0, at >> 2, (at + bytes) >> 2);
	}

	/** Lasting zeroed memory; throws the workspace away. */
	keep(bytes: number): number {
		const size = align(bytes);
		this.clearWorkspace();
		const reused = this.#free.get(size)?.pop();
		const at = reused ?? this.#lasting;
		if (reused === undefined) {
			this.#grow(at + size);
			this.#lasting = at + size;
			this.#top = this.#lasting;
		}
		this.zero(at, size);
		return at;
	}

	/** Gives lasting memory back for another `keep` of the same size. */
	release(at: number, bytes: number): void {
		const size = align(bytes);
		const list = this.#free.get(size);
		if (list) list.push(at);
		else this.#free.set(size, [at]);
	}

	clearWorkspace(): void {
		this.#top = this.#lasting;
		this.generation++;
	}

	/** Workspace memory, not cleared. */
	take(bytes: number): number {
		const at = this.#top;
		this.#grow(at + align(bytes));
		this.#top = at + align(bytes);
		return at;
	}

	#grow(end: number): void {
		const { memory } = this.kernels;
		const missing = end - memory.buffer.byteLength;
		if (missing <= 0) return;
		try {
			memory.grow(Math.ceil(missing / page));
		} catch (cause) {
			throw new MillwrightError(
				'backend-unavailable',
				`The LSTM kernels need ${Math.ceil(end / 1e6)} MB of memory, more than this browser gives.`,
				{ neededBytes: end },
				{ cause }
			);
		}
	}
}

function align(bytes: number): number {
	return Math.ceil(bytes / alignment) * alignment;
}

/**
 * Bytes from row to row of a sequence: whole cache lines, an odd number of them, since a stride of a power of two would map
 * all rows to the same few sets of the first-level cache.
 */
export function rowStride(width: number): number {
	const lines = Math.ceil(width / 16);
	return (lines % 2 === 0 ? lines + 1 : lines) * 64;
}

/** Bytes from block to block of [block][rows][8], kept off multiples of the cache's way size for the same reason. */
export function blockStride(rows: number): number {
	const bytes = rows * 32;
	return bytes % 1024 === 0 ? bytes + 576 : bytes;
}

/** The most that `blockStride` gives for up to `rows` rows. */
export const mostBlockStride = (rows: number) => rows * 32 + 576;
