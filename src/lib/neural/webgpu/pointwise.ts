/**
 * Neural, WebGPU: everything that is not a product or a scan: loss and its gradient, sums over slices and steps, the norm of
 * the gradient, and Adam over all weights at once. Buffers are vec4; padding columns count for nothing.
 */
import type { AdamSetting, LossName } from '../executor';
import { slopeOf, type Activation } from './gemm';
import { makeShader, type Shader } from './shader';

/** Workgroups of every sum over everything: their partial sums are added up in a fixed order. */
export const sumGroups = 64;
const invocations = 256;

const lossText: Record<LossName, { value: string; slope: string }> = {
	mse: { value: 'd * d', slope: '2.0 * d' },
	mae: { value: 'abs(d)', slope: 'sign(d)' },
	huber: {
		value: 'select(abs(d) - 0.5, 0.5 * d * d, abs(d) <= vec4f(1.0))',
		slope: 'clamp(d, vec4f(-1.0), vec4f(1.0))'
	},
	'binary-crossentropy': {
		value: '-(t * log(q) + (1.0 - t) * log(1.0 - q))',
		slope: '(q - t) / (q * (1.0 - q))'
	}
};

/** Adds the values of 256 invocations in `sums`; the result is in `sums[0]`. */
const treeSum = `
	workgroupBarrier();
	for (var width = ${invocations / 2}u; width > 0u; width /= 2u) {
		if (lane < width) { sums[lane] += sums[lane + width]; }
		workgroupBarrier();
	}`;
const sumHead = `var<workgroup> sums: array<f32, ${invocations}>;`;

/**
 * Adds `lossScale` times the loss to `losses[first + workgroup]` and, unless undefined, writes the gradient by the last layer's
 * z: `gradientScale` * loss' * slope. Columns lie in blocks of `block` numbers, of which the first `width` count.
 */
export function loss(name: LossName, slope: Activation | undefined): Shader {
	const { value, slope: lossSlope } = lossText[name];
	const entropy = name === 'binary-crossentropy';
	return makeShader({
		fields: {
			rows: 'u32',
			columns: 'u32',
			block: 'u32',
			width: 'u32',
			yOffset: 'u32',
			yRow: 'u32',
			first: 'u32',
			lossScale: 'f32',
			...(slope ? { gradientScale: 'f32' as const } : {})
		},
		buffers: {
			output: ['vec4f', 'read'],
			target_: ['vec4f', 'read'],
			losses: ['f32', 'read_write'],
			...(slope ? { dy: ['vec4f', 'read_write'] as const } : {})
		},
		invocations,
		head: sumHead,
		body: `
	var total = 0.0;
	for (var k = group.x * ${invocations}u + lane; k < p.rows * p.columns; k += ${sumGroups * invocations}u) {
		let y = output[p.yOffset + (k / p.columns) * p.yRow + k % p.columns];
		let t = target_[k];
		let counts = (vec4u((k % p.columns) * 4u) + vec4u(0u, 1u, 2u, 3u)) % vec4u(p.block) < vec4u(p.width);
		${entropy ? 'let q = clamp(y, vec4f(1e-7), vec4f(1.0 - 1e-7));' : 'let d = y - t;'}
		total += dot(select(vec4f(), ${value}, counts), vec4f(1.0));
		${slope ? `dy[k] = select(vec4f(), p.gradientScale * (${lossSlope}) * (${slopeOf[slope]}), counts);` : ''}
	}
	sums[lane] = total;
${treeSum}
	if (lane == 0u) { losses[p.first + group.x] += p.lossScale * sums[0]; }`
	});
}

/** gradient from `start` on = (gradient +) the sum of all slices of `parts`, which lie `count` vec4 apart. */
export const reduce: Shader = makeShader({
	fields: { count: 'u32', slices: 'u32', start: 'u32', addsUp: 'u32' },
	buffers: { parts: ['vec4f', 'read'], gradient: ['vec4f', 'read_write'] },
	invocations,
	body: `
	let k = group.x * ${invocations}u + lane;
	if (k >= p.count) { return; }
	var total = vec4f();
	if (p.addsUp != 0u) { total = gradient[p.start + k]; }
	for (var slice = 0u; slice < p.slices; slice++) { total += parts[slice * p.count + k]; }
	gradient[p.start + k] = total;`
});

/** Sum over the steps of each window: rows [window][step][columns] -> [window][columns], times the slope of the layer below. */
export function sumSteps(slope: Activation): Shader {
	const sloped = slope !== 'linear';
	return makeShader({
		fields: { count: 'u32', steps: 'u32', columns: 'u32', yOffset: 'u32', yRow: 'u32' },
		buffers: {
			parts: ['vec4f', 'read'],
			result: ['vec4f', 'read_write'],
			...(sloped ? { below: ['vec4f', 'read'] as const } : {})
		},
		invocations,
		body: `
	let k = group.x * ${invocations}u + lane;
	if (k >= p.count) { return; }
	let window = k / p.columns;
	let column = k % p.columns;
	var total = vec4f();
	for (var s = 0u; s < p.steps; s++) { total += parts[(window * p.steps + s) * p.columns + column]; }
	${sloped ? `let y = below[p.yOffset + window * p.yRow + column]; total *= ${slopeOf[slope]};` : ''}
	result[k] = total;`
	});
}

/** Partial sums of squares of the gradient. */
export const sumSquares: Shader = makeShader({
	fields: { count: 'u32' },
	buffers: { gradient: ['vec4f', 'read'], squares: ['f32', 'read_write'] },
	invocations,
	head: sumHead,
	body: `
	var total = 0.0;
	for (var k = group.x * ${invocations}u + lane; k < p.count; k += ${sumGroups * invocations}u) {
		total += dot(gradient[k], gradient[k]);
	}
	sums[lane] = total;
${treeSum}
	if (lane == 0u) { squares[group.x] = sums[0]; }`
});

/** Bit of `places` that says that a weight decays; the rest is 1 + where its transposed copy lies, or 0. */
export const decayBit = 0x80000000;

/**
 * Adam or AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019) over all weights, with clipping by the global norm, and the
 * transposed copies kept up. `clip` 0: none, and `squares` is not looked at. `fix1`, `fix2`: 1 / (1 - beta^step).
 */
export const adam: Shader = makeShader({
	fields: {
		count: 'u32',
		clip: 'f32',
		rate: 'f32',
		beta1: 'f32',
		beta2: 'f32',
		rest1: 'f32',
		rest2: 'f32',
		fix1: 'f32',
		fix2: 'f32',
		epsilon: 'f32',
		decay: 'f32'
	},
	buffers: {
		weights: ['vec4f', 'read_write'],
		gradient: ['vec4f', 'read'],
		first: ['vec4f', 'read_write'],
		second: ['vec4f', 'read_write'],
		squares: ['f32', 'read'],
		places: ['u32', 'read'],
		transposed: ['vec4f', 'read_write']
	},
	invocations,
	body: `
	let k = group.x * ${invocations}u + lane;
	if (k >= p.count) { return; }
	var scale = 1.0;
	if (p.clip > 0.0) {
		var total = 0.0;
		for (var n = 0u; n < ${sumGroups}u; n++) { total += squares[n]; }
		let norm = sqrt(total);
		if (norm > p.clip) { scale = p.clip / norm; }
	}
	let g = gradient[k] * scale;
	let m = p.beta1 * first[k] + p.rest1 * g;
	let v = p.beta2 * second[k] + p.rest2 * g * g;
	first[k] = m;
	second[k] = v;
	let place = places[k];
	var w = weights[k];
	w -= p.rate * (m * p.fix1) / (sqrt(v * p.fix2) + p.epsilon) + select(0.0, p.rate * p.decay, place >= ${decayBit}u) * w;
	weights[k] = w;
	let copy = place & ${decayBit - 1}u;
	if (copy != 0u) { transposed[copy - 1u] = w; }`
});

/** Parameters of the `adam` shader for one step. */
export function adamParams(count: number, setting: AdamSetting): Record<string, number> {
	const { step, learningRate, beta1, beta2, epsilon, weightDecay, clipNorm } = setting;
	return {
		count,
		clip: clipNorm,
		rate: learningRate,
		beta1,
		beta2,
		rest1: 1 - beta1,
		rest2: 1 - beta2,
		fix1: 1 / (1 - beta1 ** step),
		fix2: 1 / (1 - beta2 ** step),
		epsilon,
		decay: weightDecay
	};
}
