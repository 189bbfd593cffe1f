/**
 * The plain loops that every kernel is held against: gradients by finite differences in float64, any shape, masks, both
 * directions; the GRU and Adam against their formulae written out.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adamStep } from '$lib/neural/kernels/adam-reference';
import { gruBackward, gruForward, type GruArrays } from '$lib/neural/kernels/gru-reference';
import { lstmBackward, lstmForward, type Floats, type LstmArrays } from '$lib/neural/kernels/lstm-reference';
import { normalFrom, randomFrom } from '$lib/neural/random';

const make = (length: number) => new Float64Array(length);

const shapes = fc.record({
	batch: fc.integer({ min: 1, max: 3 }),
	steps: fc.integer({ min: 1, max: 5 }),
	features: fc.integer({ min: 1, max: 4 }),
	units: fc.integer({ min: 1, max: 5 }),
	seed: fc.integer({ min: 0, max: 1e6 }),
	masked: fc.boolean(),
	dropped: fc.boolean(),
	goBackwards: fc.boolean(),
	lastOnly: fc.boolean()
});
type Case = typeof shapes extends fc.Arbitrary<infer T> ? T : never;

function arraysFor(c: Case, gates: number, biasRows: number) {
	const draw = normalFrom(c.seed);
	const uniform = randomFrom(c.seed + 1);
	const random = (length: number) => Float64Array.from({ length }, () => 0.7 * draw());
	const coin = (length: number, zero: number, other: number) =>
		Float64Array.from({ length }, () => (uniform() < zero ? 0 : other));
	return {
		x: random(c.batch * c.steps * c.features),
		kernel: random(c.features * gates * c.units),
		recurrentKernel: random(c.units * gates * c.units),
		bias: random(biasRows * gates * c.units),
		h0: random(c.batch * c.units),
		...(c.masked ? { mask: coin(c.batch * c.steps, 0.4, 1) } : {}),
		...(c.dropped ? { recurrentMask: coin(c.batch * c.units, 0.3, 1 / 0.7) } : {})
	};
}

/** Central differences of `value` by every element of `array`, against `gradient`. */
function expectGradient(value: () => number, array: Floats, gradient: Floats, name: string): void {
	const step = 1e-5;
	for (let k = 0; k < array.length; k++) {
		const kept = array[k]!;
		array[k] = kept + step;
		const above = value();
		array[k] = kept - step;
		const below = value();
		array[k] = kept;
		const expected = (above - below) / (2 * step);
		expect(Math.abs(gradient[k]! - expected), `${name}[${k}]`).toBeLessThan(1e-7 * Math.max(1, Math.abs(expected)));
	}
}

function dot(a: Floats, b: Floats): number {
	let sum = 0;
	for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
	return sum;
}
/** The last processed step of [B,T,U] as [B,U]. */
const lastOf = (hSeq: Floats, c: Case) =>
	Float64Array.from({ length: c.batch * c.units }, (_, k) => {
		const row = Math.floor(k / c.units);
		return hSeq[(row * c.steps + c.steps - 1) * c.units + (k % c.units)]!;
	});

describe('LSTM', () => {
	it('every gradient is that of finite differences', () => {
		fc.assert(
			fc.property(shapes, (c) => {
				const draw = normalFrom(c.seed + 2);
				const random = (length: number) => Float64Array.from({ length }, draw);
				const arrays: LstmArrays = { ...arraysFor(c, 4, 1), c0: random(c.batch * c.units) };
				const pullH = random(c.batch * (c.lastOnly ? 1 : c.steps) * c.units);
				const pullC = random(c.batch * c.units);
				const run = () => lstmForward(arrays, c, { ...c, saveForGradient: true }, make);
				const value = () => {
					const { hSeq, cLast } = run();
					return dot(c.lastOnly ? lastOf(hSeq, c) : hSeq, pullH) + dot(cLast, pullC);
				};
				const saved = run();
				const found = lstmBackward(
					{ ...arrays, ...saved, dhSeq: pullH, dcLast: pullC },
					c,
					{ ...c, needInputGradient: true },
					make
				);
				expectGradient(value, arrays.x, found.dx, 'dx');
				expectGradient(value, arrays.kernel, found.dKernel, 'dKernel');
				expectGradient(value, arrays.recurrentKernel, found.dRecurrentKernel, 'dRecurrentKernel');
				expectGradient(value, arrays.bias, found.dBias, 'dBias');
				expectGradient(value, arrays.h0, found.dh0, 'dh0');
				expectGradient(value, arrays.c0, found.dc0, 'dc0');
			}),
			{ numRuns: 25, seed: 1 }
		);
	});

	it('passes state through padded steps unchanged and repeats its output', () => {
		const c = { batch: 1, steps: 4, features: 2, units: 3 };
		const arrays: LstmArrays = {
			...arraysFor({ ...c, seed: 3, masked: false, dropped: false, goBackwards: false, lastOnly: false }, 4, 1),
			c0: Float64Array.of(0.1, 0.2, 0.3)
		};
		const options = { saveForGradient: false, goBackwards: false };
		const whole = lstmForward({ ...arrays, mask: Float64Array.of(0, 1, 0, 0) }, c, options, make);
		const one = lstmForward({ ...arrays, x: arrays.x.slice(2, 4) }, { ...c, steps: 1 }, options, make);
		expect(whole.hSeq.slice(0, 3)).toEqual(arrays.h0);
		for (const step of [1, 2, 3]) expect(whole.hSeq.slice(step * 3, step * 3 + 3)).toEqual(one.hSeq);
		expect(whole.cLast).toEqual(one.cLast);
	});
});

describe('GRU', () => {
	it('is Keras’ formula with the reset after the product', () => {
		const s = (z: number) => 1 / (1 + Math.exp(-z));
		const arrays: GruArrays = {
			x: Float64Array.of(0.5),
			kernel: Float64Array.of(0.1, -0.2, 0.3),
			recurrentKernel: Float64Array.of(0.4, 0.5, -0.6),
			bias: Float64Array.of(0.01, 0.02, 0.03, -0.04, 0.05, 0.06),
			h0: Float64Array.of(0.7)
		};
		const z = s(0.5 * 0.1 + 0.01 + 0.7 * 0.4 - 0.04);
		const r = s(0.5 * -0.2 + 0.02 + 0.7 * 0.5 + 0.05);
		const n = Math.tanh(0.5 * 0.3 + 0.03 + r * (0.7 * -0.6 + 0.06));
		const sizes = { batch: 1, steps: 1, features: 1, units: 1 };
		const { hSeq } = gruForward(arrays, sizes, { saveForGradient: false, goBackwards: false }, make);
		expect(hSeq[0]).toBeCloseTo(z * 0.7 + (1 - z) * n, 14);
	});

	it('every gradient is that of finite differences', () => {
		fc.assert(
			fc.property(shapes, (c) => {
				const draw = normalFrom(c.seed + 2);
				const arrays: GruArrays = arraysFor(c, 3, 2);
				const pull = Float64Array.from({ length: c.batch * (c.lastOnly ? 1 : c.steps) * c.units }, draw);
				const run = () => gruForward(arrays, c, { ...c, saveForGradient: true }, make);
				const value = () => {
					const { hSeq } = run();
					return dot(c.lastOnly ? lastOf(hSeq, c) : hSeq, pull);
				};
				const [dx, dKernel, dRecurrentKernel, dBias, dh0] = gruBackward(
					{ ...arrays, ...run(), dhSeq: pull },
					c,
					{ ...c, needInputGradient: true },
					make
				);
				expectGradient(value, arrays.x, dx, 'dx');
				expectGradient(value, arrays.kernel, dKernel, 'dKernel');
				expectGradient(value, arrays.recurrentKernel, dRecurrentKernel, 'dRecurrentKernel');
				expectGradient(value, arrays.bias, dBias, 'dBias');
				expectGradient(value, arrays.h0, dh0, 'dh0');
			}),
			{ numRuns: 25, seed: 2 }
		);
	});
});

describe('Adam', () => {
	const attrs = {
		count: 1,
		step: 1,
		learningRate: 0.1,
		beta1: 0.9,
		beta2: 0.999,
		epsilon: 0,
		weightDecay: 0,
		clipNorm: 0,
		decays: [true]
	};
	const step = (more: Partial<typeof attrs>, gradient: number[]) =>
		adamStep([Float32Array.of(1, 2)], [Float32Array.from(gradient)], [new Float32Array(2)], [new Float32Array(2)], {
			...attrs,
			...more
		});

	it('moves by the learning rate against the sign of the gradient at its first step', () => {
		const { weights, norm } = step({}, [3, -4]);
		expect(weights[0]![0]).toBeCloseTo(0.9, 6);
		expect(weights[0]![1]).toBeCloseTo(2.1, 6);
		expect(norm).toBeCloseTo(5, 6);
	});
	it('clips by the norm over all weights', () => {
		const { m, norm } = step({ clipNorm: 1 }, [3, -4]);
		expect(m[0]![0]).toBeCloseTo(0.06, 6);
		expect(m[0]![1]).toBeCloseTo(-0.08, 6);
		expect(norm).toBeCloseTo(5, 6);
	});
	it('decays weights apart from the gradient (AdamW), where they decay', () => {
		expect(step({ weightDecay: 0.5 }, [3, -4]).weights[0]![0]).toBeCloseTo(0.85, 6);
		expect(step({ weightDecay: 0.5, decays: [false] }, [3, -4]).weights[0]![0]).toBeCloseTo(0.9, 6);
	});
});
