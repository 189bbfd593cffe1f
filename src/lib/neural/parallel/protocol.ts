/**
 * Neural: what the thread that trains and the workers that help it say to each other. Arrays go by transfer: a gradient is
 * half a megabyte, and nothing of the data set but the rows at hand leaves the thread that owns it. With a board (board.ts) only
 * the first message and a failure are said; all else lies in shared memory.
 */
import type { PlainError } from '../../contracts/error';
import type { BackendName } from '../backends';
import type { NetworkSpec } from '../engine';
import type { AdamSetting, Chunk, ChunkPlace, LossName, Moments } from '../executor';
import type { WasmBuild } from '../wasm/module';
import type { BoardSizes } from './board';

export type ToHelper =
	| {
			readonly kind: 'start';
			readonly backend: BackendName;
			/** Of the compiled kernels: the one that has passed the self-test. */
			readonly build?: WasmBuild;
			readonly spec: NetworkSpec;
			readonly weights: Float32Array;
			readonly moments: Moments;
			readonly chunkRows: number;
			/** Shared memory to work from; `worker` is this helper's place on it, from 1 up. */
			readonly board?: {
				readonly memory: SharedArrayBuffer;
				readonly sizes: BoardSizes;
				readonly worker: number;
				readonly steps: number;
				readonly loss: LossName;
			};
	  }
	/** Gradient of these rows with the weights as they are; answered by `gradient`. */
	| { readonly kind: 'compute'; readonly rows: Chunk; readonly place: ChunkPlace }
	/** One step with the gradient of the whole batch; not answered. */
	| { readonly kind: 'step'; readonly gradient: Float32Array; readonly setting: AdamSetting };

export type FromHelper =
	/** The worker holds the Web Lock `lock` while it lives; undefined where there are none. */
	| { readonly kind: 'ready'; readonly lock?: string }
	| { readonly kind: 'gradient'; readonly gradient: Float32Array; readonly loss: number }
	| { readonly kind: 'failed'; readonly error: PlainError };
