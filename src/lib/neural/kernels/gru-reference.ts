/**
 * Neural: the GRU in plain loops, accumulating in float64; the kernel wherever a backend has none of its own.
 * Cho 2014, in the variant with the reset gate after the product (Keras `reset_after`). Shapes as in gru-kernel.ts.
 */
import type { LstmSizes } from './lstm-kernel';
import type { Floats } from './lstm-reference';

export interface GruArrays {
	x: Floats;
	kernel: Floats;
	recurrentKernel: Floats;
	bias: Floats;
	h0: Floats;
	mask?: Floats;
	recurrentMask?: Floats;
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

/** hSeq [B,T,U] and, when saving, gates [B,T,4U]. */
export function gruForward(
	input: GruArrays,
	sizes: LstmSizes,
	options: { saveForGradient: boolean; goBackwards: boolean },
	make: (length: number) => Floats = (length) => new Float32Array(length)
): { hSeq: Floats; gates: Floats } {
	const { batch, steps, features, units } = sizes;
	const width = 3 * units;
	const hSeq = make(batch * steps * units);
	const gates = make(options.saveForGradient ? batch * steps * 4 * units : 0);
	const a = new Float64Array(width);
	const q = new Float64Array(width);
	for (let b = 0; b < batch; b++) {
		const h = Float64Array.from(input.h0.subarray(b * units, (b + 1) * units));
		for (let s = 0; s < steps; s++) {
			const t = options.goBackwards ? steps - 1 - s : s;
			const row = b * steps + s;
			if (!input.mask || input.mask[b * steps + t] !== 0) {
				a.set(input.bias.subarray(0, width));
				q.set(input.bias.subarray(width));
				for (let k = 0; k < features; k++) {
					const value = input.x[(b * steps + t) * features + k]!;
					for (let j = 0; j < width; j++) a[j]! += value * input.kernel[k * width + j]!;
				}
				for (let k = 0; k < units; k++) {
					const value = h[k]! * (input.recurrentMask?.[b * units + k] ?? 1);
					for (let j = 0; j < width; j++) q[j]! += value * input.recurrentKernel[k * width + j]!;
				}
				for (let u = 0; u < units; u++) {
					const z = sigmoid(a[u]! + q[u]!);
					const r = sigmoid(a[units + u]! + q[units + u]!);
					const qh = q[2 * units + u]!;
					const n = Math.tanh(a[2 * units + u]! + r * qh);
					h[u] = z * h[u]! + (1 - z) * n;
					if (options.saveForGradient) {
						const at = row * 4 * units + u;
						gates[at] = z;
						gates[at + units] = r;
						gates[at + 2 * units] = n;
						gates[at + 3 * units] = qh;
					}
				}
			}
			hSeq.set(h, row * units);
		}
	}
	return { hSeq, gates };
}

/** Gradients in the order dx, dKernel, dRecurrentKernel, dBias, dh0. */
export function gruBackward(
	input: GruArrays & { hSeq: Floats; gates: Floats; dhSeq: Floats },
	sizes: LstmSizes,
	options: { goBackwards: boolean; needInputGradient: boolean; lastOnly: boolean },
	make: (length: number) => Floats = (length) => new Float32Array(length)
): [dx: Floats, dKernel: Floats, dRecurrentKernel: Floats, dBias: Floats, dh0: Floats] {
	const { batch, steps, features, units } = sizes;
	const width = 3 * units;
	const dx = make(options.needInputGradient ? batch * steps * features : 0);
	const dh0 = make(batch * units);
	const dKernel = new Float64Array(features * width);
	const dRecurrentKernel = new Float64Array(units * width);
	const dBias = new Float64Array(2 * width);
	const da = new Float64Array(width);
	const dq = new Float64Array(width);
	const direct = new Float64Array(units);
	for (let b = 0; b < batch; b++) {
		const dh = new Float64Array(units);
		for (let s = steps - 1; s >= 0; s--) {
			const t = options.goBackwards ? steps - 1 - s : s;
			const row = b * steps + s;
			if (!options.lastOnly) for (let u = 0; u < units; u++) dh[u]! += input.dhSeq[row * units + u]!;
			else if (s === steps - 1) for (let u = 0; u < units; u++) dh[u]! += input.dhSeq[b * units + u]!;
			if (input.mask && input.mask[b * steps + t] === 0) continue;
			const before = (u: number) => (s > 0 ? input.hSeq[(row - 1) * units + u]! : input.h0[b * units + u]!);
			for (let u = 0; u < units; u++) {
				const at = row * 4 * units + u;
				const z = input.gates[at]!;
				const r = input.gates[at + units]!;
				const n = input.gates[at + 2 * units]!;
				const qh = input.gates[at + 3 * units]!;
				const dn = dh[u]! * (1 - z) * (1 - n * n);
				da[u] = dq[u] = dh[u]! * (before(u) - n) * z * (1 - z);
				da[units + u] = dq[units + u] = dn * qh * r * (1 - r);
				da[2 * units + u] = dn;
				dq[2 * units + u] = dn * r;
				direct[u] = dh[u]! * z;
			}
			for (let j = 0; j < width; j++) {
				dBias[j]! += da[j]!;
				dBias[width + j]! += dq[j]!;
			}
			for (let k = 0; k < features; k++) {
				const value = input.x[(b * steps + t) * features + k]!;
				let sum = 0;
				for (let j = 0; j < width; j++) {
					dKernel[k * width + j]! += value * da[j]!;
					sum += input.kernel[k * width + j]! * da[j]!;
				}
				if (options.needInputGradient) dx[(b * steps + t) * features + k] = sum;
			}
			for (let k = 0; k < units; k++) {
				const keep = input.recurrentMask?.[b * units + k] ?? 1;
				const value = before(k) * keep;
				let sum = 0;
				for (let j = 0; j < width; j++) {
					dRecurrentKernel[k * width + j]! += value * dq[j]!;
					sum += input.recurrentKernel[k * width + j]! * dq[j]!;
				}
				dh[k] = direct[k]! + sum * keep;
			}
		}
		dh0.set(dh, b * units);
	}
	const stored = [dKernel, dRecurrentKernel, dBias].map((from) => {
		const to = make(from.length);
		to.set(from);
		return to;
	}) as [Floats, Floats, Floats];
	return [dx, ...stored, dh0];
}
