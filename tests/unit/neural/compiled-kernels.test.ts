/** The recurrent kernels of the `wasm` backend against the plain loops in float64: any sizes, masks, directions, dropout, states. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadBackend } from '$lib/neural/backends';
import { runFusedGru, runFusedGruGrad } from '$lib/neural/kernels/gru-kernel';
import { gruBackward, gruForward } from '$lib/neural/kernels/gru-reference';
import { runFusedLstm, runFusedLstmGrad } from '$lib/neural/kernels/lstm-kernel';
import { lstmBackward, lstmForward, type Floats } from '$lib/neural/kernels/lstm-reference';
import { normalFrom, randomFrom } from '$lib/neural/random';

beforeAll(async () => {
	await loadBackend('wasm');
});

const make = (length: number) => new Float64Array(length);
const shapes = fc.record({
	batch: fc.integer({ min: 1, max: 9 }),
	steps: fc.integer({ min: 1, max: 40 }),
	features: fc.integer({ min: 1, max: 19 }),
	units: fc.integer({ min: 1, max: 35 }),
	seed: fc.integer({ min: 0, max: 1e6 }),
	masked: fc.boolean(),
	dropped: fc.boolean(),
	goBackwards: fc.boolean(),
	lastOnly: fc.boolean()
});

function expectClose(found: tf.Tensor, expected: Floats, name: string): void {
	const values = found.dataSync();
	expect(values.length, name).toBe(expected.length);
	let largest = 1e-3;
	let worst = 0;
	for (let k = 0; k < values.length; k++) {
		largest = Math.max(largest, Math.abs(expected[k]!));
		worst = Math.max(worst, Math.abs(values[k]! - expected[k]!));
	}
	expect(worst / largest, name).toBeLessThan(1e-5);
}

describe.each(['lstm', 'gru'] as const)('%s', (kind) => {
	it('outputs and every gradient equal float64', () => {
		const gates = kind === 'lstm' ? 4 : 3;
		fc.assert(
			fc.property(shapes, (c) => {
				tf.tidy(() => {
					const draw = normalFrom(c.seed);
					const uniform = randomFrom(c.seed + 1);
					const scale = 1 / Math.sqrt(c.units + c.features);
					const given: [string, number[], () => number][] = [
						['x', [c.batch, c.steps, c.features], draw],
						['kernel', [c.features, gates * c.units], () => scale * draw()],
						['recurrentKernel', [c.units, gates * c.units], () => scale * draw()],
						['bias', kind === 'lstm' ? [4 * c.units] : [2, 3 * c.units], () => 0.3 * draw()],
						['h0', [c.batch, c.units], () => 0.5 * draw()]
					];
					if (kind === 'lstm') given.push(['c0', [c.batch, c.units], () => 0.5 * draw()]);
					if (c.masked) given.push(['mask', [c.batch, c.steps], () => (uniform() < 0.3 ? 0 : 1)]);
					if (c.dropped) given.push(['recurrentMask', [c.batch, c.units], () => (uniform() < 0.3 ? 0 : 1 / 0.7)]);
					const pullShape = c.lastOnly ? [c.batch, c.units] : [c.batch, c.steps, c.units];
					const pulls: typeof given = [['dhSeq', pullShape, draw]];
					if (kind === 'lstm') pulls.push(['dcLast', [c.batch, c.units], draw]);
					const arrays: Record<string, Float32Array> = {};
					const tensors: Record<string, tf.Tensor> = {};
					for (const [name, shape, next] of [...given, ...pulls]) {
						arrays[name] = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, next);
						tensors[name] = tf.tensor(arrays[name], shape);
					}
					const attrs = { saveForGradient: true, goBackwards: c.goBackwards };
					const back = { goBackwards: c.goBackwards, needInputGradient: true, lastOnly: c.lastOnly };
					if (kind === 'lstm') {
						const expected = lstmForward(arrays as never, c, attrs, make);
						const found = runFusedLstm(tensors as never, attrs);
						expectClose(found.hSeq, expected.hSeq, 'hSeq');
						expectClose(found.cLast, expected.cLast, 'cLast');
						const scored = runFusedLstm(tensors as never, { ...attrs, saveForGradient: false });
						expectClose(scored.hSeq, expected.hSeq, 'hSeq');
						const wanted = lstmBackward({ ...arrays, ...expected } as never, c, back, make);
						const gradients = runFusedLstmGrad({ ...tensors, ...found } as never, back);
						for (const name of Object.keys(wanted) as (keyof typeof wanted)[])
							expectClose(gradients[name], wanted[name], name);
					} else {
						const expected = gruForward(arrays as never, c, attrs, make);
						const found = runFusedGru(tensors as never, attrs);
						expectClose(found.hSeq, expected.hSeq, 'hSeq');
						const wanted = gruBackward({ ...arrays, ...expected } as never, c, back, make);
						const gradients = Object.values(runFusedGruGrad({ ...tensors, ...found } as never, back)) as tf.Tensor[];
						wanted.forEach((gradient, k) => expectClose(gradients[k]!, gradient, `gradient ${k}`));
					}
				});
			}),
			{ numRuns: 40, seed: 6 }
		);
	});
});
