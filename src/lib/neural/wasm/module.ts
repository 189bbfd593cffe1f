/**
 * Neural: loads the compiled kernels. In: nothing (the build's URLs) or bytes. Out: a compiled module, the better of two builds that
 * this machine runs, and instances of it, each with its own memory and no state but what its owner lays out there.
 */
import { MillwrightError } from '../../contracts/error';

export type WasmBuild = 'simd' | 'relaxed';

/** What the AssemblyScript sources export; pointers and strides in bytes. See the files in `assembly/` for each. */
export interface LstmExports {
	readonly memory: WebAssembly.Memory;
	heapBase(): number;
	recurrentForward(layer: number, from: number, to: number, save: number): void;
	recurrentBackward(layer: number, from: number, to: number): void;
	denseForward(layer: number, from: number, to: number): void;
	denseBackward(layer: number, from: number, to: number): void;
	copyRows(from: number, fromStride: number, to: number, toStride: number, rows: number, width: number): void;
	foldBias(weights: number, panels: number, panelRows: number, biasRows: number, bias: number): void;
	toBlocks(from: number, stride: number, to: number, rows: number, blocks: number): void;
	fromBlocks(from: number, to: number, stride: number, rows: number, blocks: number): void;
	toTimeMajor(
		from: number,
		rows: number,
		steps: number,
		width: number,
		to: number,
		stride: number,
		reverse: number
	): void;
	fromTimeMajor(
		from: number,
		rows: number,
		steps: number,
		width: number,
		to: number,
		stride: number,
		reverse: number
	): void;
	packRow(weights: number, panels: number, panelRows: number, skip: number, count: number, to: number): void;
	packTransposed(weights: number, panels: number, panelRows: number, skip: number, count: number, to: number): void;
	gatherRows(from: number, stride: number, lanes: number, rows: number, to: number): void;
	scatterRows(from: number, stride: number, lanes: number, rows: number, to: number): void;
	sumSteps(from: number, steps: number, stepBytes: number, to: number): void;
	adam(
		weights: number,
		gradients: number,
		first: number,
		second: number,
		panels: number,
		panelRows: number,
		biasRows: number,
		rate: number,
		shrink: number,
		beta1: number,
		beta2: number,
		rest1: number,
		rest2: number,
		epsilon: number,
		scale: number
	): void;
	loss(
		kind: number,
		output: number,
		target: number,
		rows: number,
		width: number,
		stride: number,
		scale: number,
		gradient: number
	): number;
	sumSquares(at: number, count: number): number;
	multiplyAddPeak(count: number): number;
}

export interface LstmModule {
	readonly build: WasmBuild;
	readonly module: WebAssembly.Module;
	/** For people: "SIMD128 + relaxed FMA". */
	readonly detail: string;
}

/** (module (func (result v128) three times i32x4.splat(0), f32x4.relaxed_madd)) */
const relaxedProbe = Uint8Array.of(
	...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 10, 19, 1, 17, 0],
	...[0x41, 0, 0xfd, 0x11, 0x41, 0, 0xfd, 0x11, 0x41, 0, 0xfd, 0x11, 0xfd, 0x85, 0x02, 0x0b]
);
/** (module (func (result v128) i32.const 0, i32x4.splat)) */
const simdProbe = Uint8Array.of(
	...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 10, 8, 1, 6, 0, 0x41, 0, 0xfd, 0x11, 0x0b]
);

export const supportsSimd = () => WebAssembly.validate(simdProbe);
export const supportsRelaxedSimd = () => WebAssembly.validate(relaxedProbe);

let decided: WasmBuild | undefined;

/** From now on this thread uses `build`: where another has given wrong results, or another thread has decided. */
export function useBuild(build: WasmBuild): void {
	decided = build;
}

/** The best build that this machine runs. Throws `unsupported` when it has no SIMD. */
export function chooseBuild(): WasmBuild {
	if (decided) return decided;
	if (supportsRelaxedSimd()) return 'relaxed';
	if (supportsSimd()) return 'simd';
	throw new MillwrightError('unsupported', 'This browser has no WebAssembly SIMD.', { needs: 'SIMD128' });
}

export const describeBuild = (build: WasmBuild) => (build === 'relaxed' ? 'SIMD128 + relaxed FMA' : 'SIMD128');

/** Compiles a build from its bytes: for Node, where no bundler serves files. */
export async function compileLstmModule(build: WasmBuild, bytes: BufferSource): Promise<LstmModule> {
	return { build, module: await WebAssembly.compile(bytes), detail: describeBuild(build) };
}

const loading = new Map<WasmBuild, Promise<LstmModule>>();

/** Fetches and compiles a build, once per worker. Throws `backend-unavailable` when it cannot be had. */
export function loadLstmModule(build: WasmBuild = chooseBuild()): Promise<LstmModule> {
	let known = loading.get(build);
	if (!known) {
		known = fetchModule(build);
		loading.set(build, known);
		known.catch(() => loading.delete(build));
	}
	return known;
}

async function fetchModule(build: WasmBuild): Promise<LstmModule> {
	const { default: url } =
		build === 'relaxed'
			? await import('virtual:millwright-lstm-wasm?relaxed')
			: await import('virtual:millwright-lstm-wasm?simd');
	try {
		const response = await fetch(new URL(url, import.meta.url));
		if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
		// Not compileStreaming: plain static hosts do not all send application/wasm.
		return await compileLstmModule(build, await response.arrayBuffer());
	} catch (cause) {
		throw new MillwrightError(
			'backend-unavailable',
			`The LSTM kernels (${describeBuild(build)}) could not be loaded: ${String(cause)}`,
			{ url },
			{ cause }
		);
	}
}

/** A fresh instance with its own memory. */
export function instantiate(module: LstmModule): LstmExports {
	return new WebAssembly.Instance(module.module, {}).exports as unknown as LstmExports;
}
