/**
 * Neural: FusedLstm, FusedGru and their gradients for TensorFlow.js' `wasm` backend, on the compiled kernels. In: tensors of any
 * sizes, masks, states. Out: tensors. For what does not run as a whole network (wasm/fused-network.ts): `tf.layers` models, layers
 * in both directions, dropout. Our module has a memory of its own, so inputs and outputs are copied across: small beside the work.
 *
 * What a gradient needs is kept as the kernels wrote it: `gates` is their record, opaque to others, and `cSeq` is empty.
 */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { getKernel, registerKernel, unregisterKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import { recurrentBytes, writeRecurrent } from '../wasm/descriptors';
import { KernelMemory, mostBlockStride, blockStride, rowStride } from '../wasm/memory';
import { instantiate, type LstmModule } from '../wasm/module';
import { layOutPanels, packWeights, unpackWeights, type PanelLayout } from '../wasm/panels';
import { fusedGruGradName, fusedGruName, type FusedGruGradAttrs } from './gru-kernel';
import { fusedLstmGradName, fusedLstmName, lstmSizes, type FusedLstmGradAttrs, type LstmSizes } from './lstm-kernel';

type Arrays = Record<string, Float32Array | undefined>;
type Kind = 'lstm' | 'gru';
type Output = readonly [values: Float32Array, shape: number[]];

/** Bytes of what is kept for one row of 8 units at one step. */
const recordBytes = 192;
/** Byte in it where c lies. */
const recordCell = 128;
/** Rows times steps that go back at once: what they write stays in cache. */
const rangeRows = 256;
const projectionRows = 96;

/** One sequence layer in the module's memory. */
interface Run {
	readonly sizes: LstmSizes;
	readonly layout: PanelLayout;
	readonly blocks: number;
	readonly descriptor: number;
	readonly weights: number;
	readonly staging: number;
	readonly inputStride: number;
	readonly outputStride: number;
	readonly output: number;
	readonly cell: number;
	readonly record: number;
	readonly recordCount: number;
	readonly recurrentMask: number;
	readonly maskedOutput: number;
}

/** Registers a build's kernels for `wasm`, in place of any that it has. The plain loops fill the rest. */
export function registerCompiledKernels(module: LstmModule): void {
	const layers = new LayerKernels(module);
	const register = (kernelName: string, run: (arrays: Arrays, sizes: LstmSizes, attrs: never) => Output[]) => {
		if (getKernel(kernelName, 'wasm')) unregisterKernel(kernelName, 'wasm');
		registerKernel({
			kernelName,
			backendName: 'wasm',
			kernelFunc: ({ inputs, attrs, backend }) => {
				const memory = backend as BackendWasm;
				const given = inputs as unknown as Record<string, TensorInfo | undefined>;
				const arrays: Arrays = {};
				for (const [name, info] of Object.entries(given))
					if (info) arrays[name] = memory.typedArrayFromHeap(info) as Float32Array;
				// Views of its heap: all are read before the outputs are written, which may make it grow.
				return run(arrays, lstmSizes(given as never), attrs as never).map(([values, shape]) => ({
					dataId: memory.write(values, shape, 'float32'),
					shape,
					dtype: 'float32' as const
				}));
			}
		});
	};
	register(fusedLstmName, (arrays, sizes, attrs: ForwardAttrs) => layers.forward('lstm', arrays, sizes, attrs));
	register(fusedLstmGradName, (arrays, sizes, attrs: FusedLstmGradAttrs) =>
		layers.backward('lstm', arrays, sizes, attrs)
	);
	register(fusedGruName, (arrays, sizes, attrs: ForwardAttrs) => layers.forward('gru', arrays, sizes, attrs));
	register(fusedGruGradName, (arrays, sizes, attrs: FusedGruGradAttrs) => layers.backward('gru', arrays, sizes, attrs));
}

interface ForwardAttrs {
	saveForGradient: boolean;
	goBackwards: boolean;
}

class LayerKernels {
	private readonly kernels;
	private readonly memory;
	private readonly layouts = new Map<string, PanelLayout>();

	constructor(module: LstmModule) {
		this.kernels = instantiate(module);
		this.memory = new KernelMemory(this.kernels);
	}

	forward(kind: Kind, arrays: Arrays, sizes: LstmSizes, attrs: ForwardAttrs): Output[] {
		const { batch, steps, units } = sizes;
		const run = this.layOut(kind, arrays, sizes, attrs.goBackwards, attrs.saveForGradient);
		this.kernels.recurrentForward(run.descriptor, 0, steps, attrs.saveForGradient ? 1 : 0);
		const first = run.output + batch * run.outputStride;
		this.kernels.fromTimeMajor(first, batch, steps, units, run.staging, run.outputStride, 0);
		const hSeq = this.memory.view(run.staging, batch * steps * units).slice();
		const gates = attrs.saveForGradient ? this.memory.view(run.record, run.recordCount).slice() : new Float32Array(0);
		const kept: Output = [gates, [gates.length]];
		if (kind === 'gru') return [[hSeq, [batch, steps, units]], kept];
		return [
			[hSeq, [batch, steps, units]],
			[this.fromBlocks(run, run.cell), [batch, units]],
			kept,
			[new Float32Array(0), [0]]
		];
	}

	backward(kind: Kind, arrays: Arrays, sizes: LstmSizes, attrs: FusedLstmGradAttrs): Output[] {
		const { batch, steps, features, units } = sizes;
		const { kernels, memory } = this;
		const run = this.layOut(kind, arrays, sizes, attrs.goBackwards, true);
		const { layout, blocks, outputStride, inputStride } = run;
		this.restore(run, arrays);
		const range = Math.max(1, Math.floor(rangeRows / batch));
		const gradients = this.takeZeroed(layout.size * 4);
		const stateGradient = this.takeZeroed(batch * outputStride);
		const cellGradient = this.takeZeroed(blocks * batch * 32);
		const transposed = (count: number) => memory.take(count * layout.panels * 256);
		const inputTransposed = attrs.needInputGradient ? transposed(Math.ceil(features / 8)) : 0;
		const stateTransposed = transposed(blocks);
		const { panels, panelRows, biasRows } = layout;
		if (inputTransposed) kernels.packTransposed(run.weights, panels, panelRows, biasRows, features, inputTransposed);
		kernels.packTransposed(run.weights, panels, panelRows, biasRows + features, units, stateTransposed);
		const above = attrs.lastOnly ? 0 : memory.take(steps * batch * outputStride);
		if (attrs.lastOnly) this.putRows(arrays.dhSeq!, units, stateGradient, outputStride);
		else {
			const staged = memory.take(batch * steps * units * 4);
			memory.view(staged, batch * steps * units).set(arrays.dhSeq!);
			memory.zero(above, steps * batch * outputStride);
			kernels.toTimeMajor(staged, batch, steps, units, above, outputStride, 0);
		}
		if (arrays.dcLast) this.putBlocks(run, arrays.dcLast, cellGradient);
		const inputGradient = attrs.needInputGradient ? memory.take(steps * batch * inputStride) : 0;
		const grads = memory.take(panels * mostBlockStride(Math.min(range, steps) * batch));
		writeRecurrent(memory, run.descriptor, {
			gradients,
			stateGradient,
			cellGradient,
			inputWeightsTransposed: inputTransposed,
			recurrentWeightsTransposed: stateTransposed,
			grads
		});
		for (let to = steps; to > 0; to -= range) {
			const from = Math.max(0, to - range);
			writeRecurrent(memory, run.descriptor, {
				gradBlockStride: blockStride((to - from) * batch),
				outputGradient: above && above + from * batch * outputStride,
				inputGradient: inputGradient && inputGradient + from * batch * inputStride
			});
			kernels.recurrentBackward(run.descriptor, from, to);
		}
		const flat = new Float32Array(layout.places.length);
		unpackWeights(layout, memory.view(gradients, layout.size), flat);
		const gates = kind === 'lstm' ? 4 : 3;
		const kernelCount = features * gates * units;
		const stateCount = units * gates * units;
		let dx = new Float32Array(0);
		if (inputGradient) {
			kernels.fromTimeMajor(inputGradient, batch, steps, features, run.staging, inputStride, attrs.goBackwards ? 1 : 0);
			dx = memory.view(run.staging, batch * steps * features).slice();
		}
		const outputs: Output[] = [
			[dx, inputGradient ? [batch, steps, features] : [0]],
			[flat.slice(0, kernelCount), [features, gates * units]],
			[flat.slice(kernelCount, kernelCount + stateCount), [units, gates * units]],
			[flat.slice(kernelCount + stateCount), kind === 'lstm' ? [4 * units] : [2, 3 * units]],
			[this.takeRows(stateGradient, outputStride, batch, units), [batch, units]]
		];
		if (kind === 'lstm') outputs.push([this.fromBlocks(run, cellGradient), [batch, units]]);
		return outputs;
	}

	/** Brings everything that both directions need into the memory. */
	private layOut(kind: Kind, arrays: Arrays, sizes: LstmSizes, goBackwards: boolean, save: boolean): Run {
		const { batch, steps, features, units } = sizes;
		const { kernels, memory } = this;
		memory.clearWorkspace();
		const layout = this.layoutOf(kind, features, units);
		const { panels, panelRows, biasRows } = layout;
		const blocks = panels / 4;
		const inputStride = rowStride(features);
		const outputStride = rowStride(units);
		const recordCount = save ? ((steps + 1) * blocks * batch * recordBytes) / 4 : 0;
		const staged = Math.max(features, units) * batch * steps;
		// Take all first: taking may grow the memory, which detaches views.
		const run: Run = {
			sizes,
			layout,
			blocks,
			inputStride,
			outputStride,
			recordCount,
			descriptor: this.takeZeroed(recurrentBytes),
			weights: this.takeZeroed(layout.size * 4),
			staging: memory.take(staged * 4),
			output: memory.take((steps + 1) * batch * outputStride),
			cell: this.takeZeroed(blocks * batch * 32),
			record: memory.take(recordCount * 4),
			recurrentMask: arrays.recurrentMask ? this.takeZeroed(batch * outputStride) : 0,
			maskedOutput: arrays.recurrentMask ? this.takeZeroed((steps + 1) * batch * outputStride) : 0
		};
		const bias = memory.take(panels * 32);
		const input = memory.take(steps * batch * inputStride);
		const mask = arrays.mask ? memory.take(steps * batch * 4) : 0;
		// A single row has its units take the place of rows.
		const scratch = memory.take(4 * Math.max(batch, blocks) * 32);
		const projectionSteps = Math.max(1, Math.floor(projectionRows / batch));
		const projection = batch < 4 ? memory.take(projectionSteps * batch * panels * 32) : 0;

		const weights = new Float32Array(layout.places.length);
		weights.set(arrays.kernel!);
		weights.set(arrays.recurrentKernel!, arrays.kernel!.length);
		weights.set(arrays.bias!, arrays.kernel!.length + arrays.recurrentKernel!.length);
		packWeights(layout, weights, memory.view(run.weights, layout.size));
		kernels.foldBias(run.weights, panels, panelRows, biasRows, bias);
		memory.view(run.staging, batch * steps * features).set(arrays.x!);
		kernels.toTimeMajor(run.staging, batch, steps, features, input, inputStride, goBackwards ? 1 : 0);
		if (mask) {
			memory.view(run.staging, batch * steps).set(arrays.mask!);
			kernels.toTimeMajor(run.staging, batch, steps, 1, mask, 4, goBackwards ? 1 : 0);
		}
		memory.zero(run.output, batch * outputStride);
		this.putRows(arrays.h0!, units, run.output, outputStride);
		if (arrays.recurrentMask) this.putRows(arrays.recurrentMask, units, run.recurrentMask, outputStride);
		if (arrays.c0) this.putBlocks(run, arrays.c0, run.cell);
		if (save) this.saveInitialCell(run);
		writeRecurrent(memory, run.descriptor, {
			kind: kind === 'gru' ? 1 : 0,
			inputs: features,
			unitBlocks: blocks,
			units,
			rows: batch,
			inputStride,
			outputStride,
			weights: run.weights,
			biasRows,
			bias,
			input,
			output: run.output,
			cell: run.cell,
			record: run.record,
			mask,
			scratch,
			projection,
			projectionSteps,
			recurrentMask: run.recurrentMask,
			maskedOutput: run.maskedOutput,
			steps
		});
		return run;
	}

	/** Entry 0 of the record: the cell that the first step started from. */
	private saveInitialCell(run: Run): void {
		const rows = run.blocks * run.sizes.batch;
		this.memory.zero(run.record, rows * recordBytes);
		const { floats } = this.memory;
		for (let row = 0; row < rows; row++) {
			const from = (run.cell >> 2) + row * 8;
			floats.copyWithin((run.record + row * recordBytes + recordCell) >> 2, from, from + 8);
		}
	}

	/** Puts back what the forward pass left: the record, the states, and the states that dropout let through. */
	private restore(run: Run, arrays: Arrays): void {
		const { batch, steps, units } = run.sizes;
		const { memory, kernels } = this;
		memory.view(run.record, run.recordCount).set(arrays.gates!);
		const first = run.output + batch * run.outputStride;
		memory.zero(first, steps * batch * run.outputStride);
		memory.view(run.staging, batch * steps * units).set(arrays.hSeq!);
		kernels.toTimeMajor(run.staging, batch, steps, units, first, run.outputStride, 0);
		if (!run.recurrentMask) return;
		const count = (batch * run.outputStride) / 4;
		const mask = memory.view(run.recurrentMask, count);
		for (let step = 0; step < steps; step++) {
			const states = memory.view(run.output + step * batch * run.outputStride, count);
			const masked = memory.view(run.maskedOutput + step * batch * run.outputStride, count);
			for (let k = 0; k < count; k++) masked[k] = states[k]! * mask[k]!;
		}
	}

	private layoutOf(kind: Kind, features: number, units: number): PanelLayout {
		const key = `${kind} ${features} ${units}`;
		let layout = this.layouts.get(key);
		if (!layout) {
			layout = layOutPanels(kind, features, units);
			this.layouts.set(key, layout);
		}
		return layout;
	}

	private takeZeroed(bytes: number): number {
		const at = this.memory.take(bytes);
		this.memory.zero(at, bytes);
		return at;
	}

	/** [rows, width] to rows of `stride` bytes. */
	private putRows(values: Float32Array, width: number, to: number, stride: number): void {
		const { floats } = this.memory;
		for (let row = 0; row * width < values.length; row++)
			floats.set(values.subarray(row * width, (row + 1) * width), (to + row * stride) >> 2);
	}

	private takeRows(from: number, stride: number, rows: number, width: number): Float32Array {
		const values = new Float32Array(rows * width);
		for (let row = 0; row < rows; row++) values.set(this.memory.view(from + row * stride, width), row * width);
		return values;
	}

	/** [rows, units] to [block][rows][8]. */
	private putBlocks({ sizes, blocks }: Run, values: Float32Array, to: number): void {
		const { batch, units } = sizes;
		const { floats } = this.memory;
		for (let block = 0; block < blocks; block++)
			for (let row = 0; row < batch; row++) {
				const begin = row * units + block * 8;
				const end = Math.min(begin + 8, (row + 1) * units);
				floats.set(values.subarray(begin, end), (to >> 2) + (block * batch + row) * 8);
			}
	}

	private fromBlocks({ sizes, blocks }: Run, from: number): Float32Array {
		const { batch, units } = sizes;
		const values = new Float32Array(batch * units);
		for (let block = 0; block < blocks; block++)
			for (let row = 0; row < batch; row++) {
				const count = Math.min(8, units - block * 8);
				values.set(this.memory.view(from + (block * batch + row) * 32, count), row * units + block * 8);
			}
		return values;
	}
}
