/**
 * Neural: the LSTM in plain loops over typed arrays, accumulating in float64. The reference that every backend is held
 * against, the `cpu` backend's kernel, and what runs where a backend has no kernel of its own. Shapes as in lstm-kernel.ts.
 *
 * Hochreiter & Schmidhuber 1997 with the forget gate of Gers 2000, as Keras computes it (no peepholes).
 */
import type { LstmSizes } from './lstm-kernel';

/** Float32 for kernels; tests pass Float64Array to get a reference without rounding in what is stored. */
export type Floats = Float32Array | Float64Array;

export interface LstmArrays {
	x: Floats;
	kernel: Floats;
	recurrentKernel: Floats;
	bias: Floats;
	h0: Floats;
	c0: Floats;
	mask?: Floats;
	recurrentMask?: Floats;
}

export interface LstmForward {
	hSeq: Floats;
	cLast: Floats;
	gates: Floats;
	cSeq: Floats;
}

export interface LstmGradients {
	dx: Floats;
	dKernel: Floats;
	dRecurrentKernel: Floats;
	dBias: Floats;
	dh0: Floats;
	dc0: Floats;
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

/** z[j] += sum over k of row[rowAt + k] * matrix[k, j]. */
function addProduct(z: Float64Array, row: Floats, rowAt: number, matrix: Floats, inner: number): void {
	const width = z.length;
	for (let k = 0; k < inner; k++) {
		const value = row[rowAt + k]!;
		if (value === 0) continue;
		const at = k * width;
		for (let j = 0; j < width; j++) z[j]! += value * matrix[at + j]!;
	}
}

/** `make` sets the precision of what is stored between steps: Float32Array unless a test asks for more. */
export function lstmForward(
	input: LstmArrays,
	sizes: LstmSizes,
	options: { saveForGradient: boolean; goBackwards: boolean },
	make: (length: number) => Floats = (length) => new Float32Array(length)
): LstmForward {
	const { batch, steps, features, units } = sizes;
	const hSeq = make(batch * steps * units);
	const cLast = make(batch * units);
	const gates = make(options.saveForGradient ? batch * steps * 4 * units : 0);
	const cSeq = make(options.saveForGradient ? batch * steps * units : 0);
	const z = new Float64Array(4 * units);
	const hMasked = new Float64Array(units);
	for (let b = 0; b < batch; b++) {
		const h = Float64Array.from(input.h0.subarray(b * units, (b + 1) * units));
		const c = Float64Array.from(input.c0.subarray(b * units, (b + 1) * units));
		for (let s = 0; s < steps; s++) {
			const t = options.goBackwards ? steps - 1 - s : s;
			const row = b * steps + s;
			if (!input.mask || input.mask[b * steps + t] !== 0) {
				z.set(input.bias);
				addProduct(z, input.x, (b * steps + t) * features, input.kernel, features);
				for (let u = 0; u < units; u++) hMasked[u] = h[u]! * (input.recurrentMask?.[b * units + u] ?? 1);
				addProduct(z, hMasked, 0, input.recurrentKernel, units);
				for (let u = 0; u < units; u++) {
					const i = sigmoid(z[u]!);
					const f = sigmoid(z[units + u]!);
					const g = Math.tanh(z[2 * units + u]!);
					const o = sigmoid(z[3 * units + u]!);
					c[u] = f * c[u]! + i * g;
					h[u] = o * Math.tanh(c[u]!);
					if (options.saveForGradient) {
						const at = row * 4 * units + u;
						gates[at] = i;
						gates[at + units] = f;
						gates[at + 2 * units] = g;
						gates[at + 3 * units] = o;
					}
				}
			}
			hSeq.set(h, row * units);
			if (options.saveForGradient) cSeq.set(c, row * units);
		}
		cLast.set(c, b * units);
	}
	return { hSeq, cLast, gates, cSeq };
}

/** The backward pass through time. `dhSeq` is [B,T,U], or [B,U] with `lastOnly`; `dcLast` [B,U] or none. */
export function lstmBackward(
	input: LstmArrays & { hSeq: Floats; gates: Floats; cSeq: Floats; dhSeq: Floats; dcLast?: Floats },
	sizes: LstmSizes,
	options: { goBackwards: boolean; needInputGradient: boolean; lastOnly: boolean },
	make: (length: number) => Floats = (length) => new Float32Array(length)
): LstmGradients {
	const { batch, steps, features, units } = sizes;
	const width = 4 * units;
	const dx = make(options.needInputGradient ? batch * steps * features : 0);
	const dh0 = make(batch * units);
	const dc0 = make(batch * units);
	const dKernel = new Float64Array(features * width);
	const dRecurrentKernel = new Float64Array(units * width);
	const dBias = new Float64Array(width);
	const dz = new Float64Array(width);
	for (let b = 0; b < batch; b++) {
		const dh = new Float64Array(units);
		const dc = new Float64Array(units);
		if (input.dcLast) dc.set(input.dcLast.subarray(b * units, (b + 1) * units));
		for (let s = steps - 1; s >= 0; s--) {
			const t = options.goBackwards ? steps - 1 - s : s;
			const row = b * steps + s;
			if (!options.lastOnly) for (let u = 0; u < units; u++) dh[u]! += input.dhSeq[row * units + u]!;
			else if (s === steps - 1) for (let u = 0; u < units; u++) dh[u]! += input.dhSeq[b * units + u]!;
			if (input.mask && input.mask[b * steps + t] === 0) continue;
			for (let u = 0; u < units; u++) {
				const at = row * width + u;
				const i = input.gates[at]!;
				const f = input.gates[at + units]!;
				const g = input.gates[at + 2 * units]!;
				const o = input.gates[at + 3 * units]!;
				const tanhC = Math.tanh(input.cSeq[row * units + u]!);
				const cBefore = s > 0 ? input.cSeq[(row - 1) * units + u]! : input.c0[b * units + u]!;
				const dcTotal = dc[u]! + dh[u]! * o * (1 - tanhC * tanhC);
				dz[u] = dcTotal * g * i * (1 - i);
				dz[units + u] = dcTotal * cBefore * f * (1 - f);
				dz[2 * units + u] = dcTotal * i * (1 - g * g);
				dz[3 * units + u] = dh[u]! * tanhC * o * (1 - o);
				dc[u] = dcTotal * f;
			}
			for (let j = 0; j < width; j++) dBias[j]! += dz[j]!;
			for (let k = 0; k < features; k++) {
				const value = input.x[(b * steps + t) * features + k]!;
				let sum = 0;
				for (let j = 0; j < width; j++) {
					dKernel[k * width + j]! += value * dz[j]!;
					if (options.needInputGradient) sum += input.kernel[k * width + j]! * dz[j]!;
				}
				if (options.needInputGradient) dx[(b * steps + t) * features + k] = sum;
			}
			for (let k = 0; k < units; k++) {
				const keep = input.recurrentMask?.[b * units + k] ?? 1;
				const value = (s > 0 ? input.hSeq[(row - 1) * units + k]! : input.h0[b * units + k]!) * keep;
				let sum = 0;
				for (let j = 0; j < width; j++) {
					dRecurrentKernel[k * width + j]! += value * dz[j]!;
					sum += input.recurrentKernel[k * width + j]! * dz[j]!;
				}
				dh[k] = sum * keep;
			}
		}
		dh0.set(dh, b * units);
		dc0.set(dc, b * units);
	}
	return {
		dx,
		dKernel: copy(dKernel, make),
		dRecurrentKernel: copy(dRecurrentKernel, make),
		dBias: copy(dBias, make),
		dh0,
		dc0
	};
}

function copy(from: Float64Array, make: (length: number) => Floats): Floats {
	const to = make(from.length);
	to.set(from);
	return to;
}
