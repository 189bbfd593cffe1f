/** What the benchmark asks of its worker. Engines are set up once, then jobs are timed one at a time. */
export type BenchRequest =
	| { readonly id: number; readonly kind: 'setup'; readonly engine: EngineName; readonly quick?: boolean }
	/** Runs a job `times` times, returns milliseconds in all. */
	| { readonly id: number; readonly kind: 'time'; readonly job: string; readonly times: number }
	/** Largest difference between two engines' outputs of the same windows. */
	| { readonly id: number; readonly kind: 'compare'; readonly engines: readonly [EngineName, EngineName] }
	/** Of WebGPU: dispatches of one training step, errors against float64, what the engine chooses for training. */
	| { readonly id: number; readonly kind: 'dispatches' | 'errors' | 'choice' };

/** A request without its number. */
export type BenchCall = BenchRequest extends infer T ? (T extends { id: number } ? Omit<T, 'id'> : never) : never;

export type EngineName = 'fused' | 'tfjs-wasm' | 'ort' | 'product' | 'product-webgpu' | 'tfjs-webgpu' | 'gpu';

export interface BenchReply {
	readonly id: number;
	readonly value?: unknown;
	readonly error?: string;
}

/** A job's work in windows or steps, so that rates can be told. */
export interface JobInfo {
	readonly job: string;
	readonly windows: number;
	readonly flops: number;
}
