/**
 * Neural, WebGPU: an LSTM or a GRU on tensors, forward and backward: the shaders of whole networks, with states, masks and recurrent
 * dropout. Shapes and meaning: kernels/lstm-kernel.ts, kernels/gru-kernel.ts. What `gates` and `cSeq` hold is in the order and
 * width of these shaders (units padded to a multiple of 4, gates interleaved).
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { FusedGruAttrs, FusedGruGradAttrs, FusedGruGradInputs, FusedGruInputs } from '../kernels/gru-kernel';
import type { FusedLstmAttrs, FusedLstmGradAttrs, FusedLstmGradInputs, FusedLstmInputs } from '../kernels/lstm-kernel';
import { cellTexts } from './cells';
import { inputGradient, projection, weightGradient, weightSlices } from './gemm';
import type { GraphicsBackend } from './kernel-call';
import { reduce } from './pointwise';
import { spread, statesBefore } from './rearrange';
import { backwardScan, forwardScan } from './recurrent-scan';
import { RecurrentCall, tilesOf, view, type RecurrentGradInputs } from './recurrent-call';

interface Forward {
	readonly hSeq: TensorInfo;
	readonly gates: TensorInfo;
	readonly cSeq: GPUBuffer | undefined;
	readonly ended: GPUBuffer;
}

/** `cSeq`: where what the unit carries is kept, if anywhere. */
function runForward(call: RecurrentCall, saves: boolean, cSeq: GPUBuffer | undefined): Forward {
	const { width, rows, shape, featureQuads, inputs } = call;
	const { batch, steps, units } = call.sizes;
	const [kernel, recurrent, bias] = call.starts;
	const weights = call.packedWeights();
	const hSeq = call.output([batch, steps, units]);
	const gates = saves ? call.output([batch, steps, 4 * width]) : undefined;
	const z = gates?.buffer ?? call.buffer(rows * width * 4);
	const h = units === width ? hSeq.buffer : call.buffer(rows * width);
	const ended = call.buffer(2 * batch * width);
	call.add({
		shader: projection('linear'),
		params: {
			rows,
			steps,
			inner: featureQuads,
			columns: width,
			weights: kernel,
			bias,
			biases: cellTexts[call.cell].biases,
			trueColumns: width * 4,
			...call.xView('a'),
			...call.hView('c')
		},
		buffers: { a: call.x, w: weights, c: z },
		groups: [tilesOf(rows), tilesOf(width * 4)]
	});
	const mask = call.mask();
	call.add({
		shader: forwardScan(shape, saves),
		params: { rows: batch, steps, weights: recurrent, ...call.hView(), ...mask.params },
		buffers: {
			z,
			w: weights,
			h,
			...(saves ? { c: cSeq! } : {}),
			given: call.states([inputs.h0, inputs.c0, inputs.recurrentMask]),
			ended,
			...mask.buffers
		},
		groups: [Math.ceil(batch / shape.lanes)]
	});
	if (h !== hSeq.buffer) call.fit(h, hSeq.buffer, rows, width, units);
	return { hSeq: hSeq.info, gates: gates?.info ?? call.nothing(), cSeq, ended };
}

export function fusedLstm(inputs: FusedLstmInputs, attrs: FusedLstmAttrs, backend: GraphicsBackend): TensorInfo[] {
	const call = new RecurrentCall(backend, 'lstm', inputs, attrs.goBackwards);
	const { batch, steps, units } = call.sizes;
	const cSeq = attrs.saveForGradient ? call.output([batch, steps, call.width]) : undefined;
	const cLast = call.output([batch, units]);
	const { hSeq, gates, ended } = runForward(call, attrs.saveForGradient, cSeq?.buffer);
	call.fit(ended, cLast.buffer, batch, call.width, units, batch * call.width);
	call.run();
	return [hSeq, cLast.info, gates, cSeq?.info ?? call.nothing()];
}

export function fusedGru(inputs: FusedGruInputs, attrs: FusedGruAttrs, backend: GraphicsBackend): TensorInfo[] {
	const call = new RecurrentCall(backend, 'gru', inputs, attrs.goBackwards);
	// The unit carries h alone, which the gradient is given as an output.
	const states = attrs.saveForGradient ? call.buffer(call.rows * call.width) : undefined;
	const { hSeq, gates } = runForward(call, attrs.saveForGradient, states);
	call.run();
	return [hSeq, gates];
}

interface Backward {
	readonly dx: TensorInfo;
	readonly dKernel: TensorInfo;
	readonly dRecurrentKernel: TensorInfo;
	readonly dBias: TensorInfo;
	/** [dh0 | dc0] */
	readonly ended: GPUBuffer;
}

function runBackward(
	call: RecurrentCall,
	inputs: RecurrentGradInputs & { dcLast?: TensorInfo },
	attrs: FusedGruGradAttrs,
	/** What the unit carried after each step. */
	states: GPUBuffer
): Backward {
	const { cell, width, rows, shape } = call;
	const { batch, steps, features, units } = call.sizes;
	const { gates: gateCount, biases } = cellTexts[cell];
	const [, recurrent, bias] = call.starts;
	const z = call.buffer(rows * width * 4);
	// dz is written over the gates: over a copy, since the tensor may be used again.
	call.copy(call.input(inputs.gates), z, rows * width * 4);
	const ended = call.buffer(2 * batch * width);
	const mask = call.mask();
	call.add({
		shader: backwardScan(shape),
		params: {
			rows: batch,
			steps,
			weights: 0,
			lastOnly: attrs.lastOnly ? 1 : 0,
			...(attrs.lastOnly ? view('h', 0, width, 0) : call.hView()),
			...mask.params
		},
		buffers: {
			z,
			w: call.transposedRecurrent(),
			c: states,
			dh: call.fitted(call.input(inputs.dhSeq), attrs.lastOnly ? batch : rows, units, width),
			given: call.states([inputs.h0, inputs.c0, inputs.recurrentMask, inputs.dcLast]),
			ended,
			...mask.buffers
		},
		groups: [Math.ceil(batch / shape.lanes)]
	});
	const gradient = weightGradientOf(call, inputs, z);
	const dx = attrs.needInputGradient ? inputGradientOf(call, z) : call.nothing();
	const dKernel = call.unpacked(gradient, [{ height: features, at: 0, ofKernel: true }], [features, gateCount * units]);
	const recurrentPart = { height: units, at: recurrent, ofKernel: false };
	const dRecurrentKernel = call.unpacked(gradient, [recurrentPart], [units, gateCount * units]);
	const biasParts = Array.from({ length: biases }, (_, row) => ({
		height: 1,
		at: bias + row * width,
		ofKernel: row === 0
	}));
	const dBias = call.unpacked(gradient, biasParts, biases === 1 ? [gateCount * units] : [biases, gateCount * units]);
	return { dx, dKernel, dRecurrentKernel, dBias, ended };
}

/** Kernel, recurrent kernel and bias rows, packed. */
function weightGradientOf(call: RecurrentCall, inputs: RecurrentGradInputs, z: GPUBuffer): GPUBuffer {
	const { cell, width, rows, shape, featureQuads, unitQuads } = call;
	const { steps, units } = call.sizes;
	const total = call.starts[3];
	const before = call.buffer(rows * width);
	call.add({
		shader: statesBefore(shape.dropped!),
		params: { count: rows * width, steps, units, unitsPadded: width },
		buffers: {
			hSeq: call.input(inputs.hSeq),
			h0: call.input(inputs.h0),
			...(inputs.recurrentMask ? { recurrentMask: call.input(inputs.recurrentMask) } : {}),
			before
		},
		groups: spread(rows * width)
	});
	const tiles = [Math.ceil((featureQuads + unitQuads + 1) / 16), Math.ceil(width / 16)] as const;
	const slices = weightSlices(rows, tiles[0] * tiles[1], total);
	const parts = call.buffer(slices * total * 4);
	const gradient = call.buffer(total * 4);
	call.add({
		shader: weightGradient(cell),
		params: {
			rows,
			steps,
			sliceRows: Math.ceil(rows / slices / 16) * 16,
			xQuads: featureQuads,
			hQuads: unitQuads,
			columns: width,
			total,
			...call.xView('x'),
			...call.hView('z'),
			...view('h', 0, steps * unitQuads, unitQuads),
			shifted: 1
		},
		buffers: { x: call.x, h: before, dz: z, parts },
		groups: [...tiles, slices]
	});
	call.add({
		shader: reduce,
		params: { count: total, slices, start: 0, addsUp: 0 },
		buffers: { parts, gradient },
		groups: [Math.ceil(total / 256)]
	});
	return gradient;
}

function inputGradientOf(call: RecurrentCall, z: GPUBuffer): TensorInfo {
	const { featureQuads, width, rows } = call;
	const { batch, steps, features } = call.sizes;
	const kernel = call.buffer(featureQuads * 4 * width * 4);
	call.packedKernel(kernel);
	const { info, buffer } = call.output([batch, steps, features]);
	const whole = features === featureQuads * 4;
	const padded = whole ? buffer : call.buffer(rows * featureQuads * 4);
	call.add({
		shader: inputGradient('linear', false),
		params: {
			rows,
			steps,
			inner: width,
			columns: featureQuads,
			weights: 0,
			...call.hView('a'),
			...call.xView('c')
		},
		buffers: { a: z, w: kernel, c: padded },
		groups: [tilesOf(rows), tilesOf(featureQuads * 4)]
	});
	if (!whole) call.fit(padded, buffer, rows, featureQuads * 4, features);
	return info;
}

export function fusedLstmGrad(
	inputs: FusedLstmGradInputs,
	attrs: FusedLstmGradAttrs,
	backend: GraphicsBackend
): TensorInfo[] {
	const call = new RecurrentCall(backend, 'lstm', inputs, attrs.goBackwards);
	const { width } = call;
	const { batch, units } = call.sizes;
	const { dx, dKernel, dRecurrentKernel, dBias, ended } = runBackward(call, inputs, attrs, call.input(inputs.cSeq));
	const [dh0, dc0] = [call.output([batch, units]), call.output([batch, units])];
	call.fit(ended, dh0.buffer, batch, width, units);
	call.fit(ended, dc0.buffer, batch, width, units, batch * width);
	call.run();
	return [dx, dKernel, dRecurrentKernel, dBias, dh0.info, dc0.info];
}

export function fusedGruGrad(
	inputs: FusedGruGradInputs,
	attrs: FusedGruGradAttrs,
	backend: GraphicsBackend
): TensorInfo[] {
	const call = new RecurrentCall(backend, 'gru', inputs, attrs.goBackwards);
	const { width, rows } = call;
	const { batch, units } = call.sizes;
	const states = call.fitted(call.input(inputs.hSeq), rows, units, width);
	const { dx, dKernel, dRecurrentKernel, dBias, ended } = runBackward(call, inputs, attrs, states);
	const dh0 = call.output([batch, units]);
	call.fit(ended, dh0.buffer, batch, width, units);
	call.run();
	return [dx, dKernel, dRecurrentKernel, dBias, dh0.info];
}
