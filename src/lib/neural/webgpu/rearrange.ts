/**
 * Neural, WebGPU: between tensors as TensorFlow.js holds them (Keras order, any width) and the packed, padded buffers of the
 * kernels. One number per invocation.
 */
import { makeShader, type Shader } from './shader';

const invocations = 256;
const prologue = `
	let k = (group.y * groups.x + group.x) * ${invocations}u + lane;
	if (k >= p.count) { return; }`;

/** Workgroups for `count` numbers: over two dimensions, since one has 65535 at most. */
export function spread(count: number): [x: number, y: number] {
	const groups = Math.ceil(count / invocations);
	const x = Math.min(groups, 32768);
	return [x, Math.ceil(groups / x)];
}

/** Rows of `width` numbers to rows of `toWidth`: cut off, or filled up with 0. Count: rows * toWidth. */
export const fitRows: Shader = makeShader({
	fields: { count: 'u32', width: 'u32', toWidth: 'u32', start: 'u32', toStart: 'u32' },
	buffers: { rows: ['f32', 'read'], fitted: ['f32', 'read_write'] },
	invocations,
	body: `${prologue}
	let column = k % p.toWidth;
	var value = 0.0;
	if (column < p.width) { value = rows[p.start + (k / p.toWidth) * p.width + column]; }
	fitted[p.toStart + k] = value;`
});

/**
 * Weights in Keras order [rows][4 gates][units] to [rows padded][units padded][4 gates], or with `transposes` to
 * [units padded][rows padded][4 gates]. Count: all numbers of the result.
 */
export const packGates: Shader = makeShader({
	fields: {
		count: 'u32',
		rows: 'u32',
		rowsPadded: 'u32',
		units: 'u32',
		unitsPadded: 'u32',
		toStart: 'u32',
		transposes: 'u32'
	},
	buffers: { keras: ['f32', 'read'], packed: ['f32', 'read_write'] },
	invocations,
	body: `${prologue}
	let gate = k % 4u;
	let unit = (k / 4u) % p.unitsPadded;
	let row = k / (4u * p.unitsPadded);
	var value = 0.0;
	if (row < p.rows && unit < p.units) { value = keras[(row * 4u + gate) * p.units + unit]; }
	let place = select(row * p.unitsPadded + unit, unit * p.rowsPadded + row, p.transposes != 0u);
	packed[p.toStart + place * 4u + gate] = value;`
});

/** The way back of `packGates`. Count: rows * 4 * units. */
export const unpackGates: Shader = makeShader({
	fields: { count: 'u32', units: 'u32', unitsPadded: 'u32', start: 'u32' },
	buffers: { packed: ['f32', 'read'], keras: ['f32', 'read_write'] },
	invocations,
	body: `${prologue}
	let unit = k % p.units;
	let gate = (k / p.units) % 4u;
	let row = k / (4u * p.units);
	keras[k] = packed[p.start + (row * p.unitsPadded + unit) * 4u + gate];`
});

/** h before each step, padded: h of the step before, or h0, times the recurrent mask. Count: rows * steps * unitsPadded. */
export const statesBefore = (dropped: boolean): Shader =>
	makeShader({
		fields: { count: 'u32', steps: 'u32', units: 'u32', unitsPadded: 'u32' },
		buffers: {
			hSeq: ['f32', 'read'],
			h0: ['f32', 'read'],
			...(dropped ? { recurrentMask: ['f32', 'read'] as const } : {}),
			before: ['f32', 'read_write']
		},
		invocations,
		body: `${prologue}
	let unit = k % p.unitsPadded;
	let step = (k / p.unitsPadded) % p.steps;
	let window = k / (p.unitsPadded * p.steps);
	var value = 0.0;
	if (unit < p.units) {
		if (step == 0u) { value = h0[window * p.units + unit]; }
		else { value = hSeq[(window * p.steps + step - 1u) * p.units + unit]; }
		${dropped ? 'value *= recurrentMask[window * p.units + unit];' : ''}
	}
	before[k] = value;`
	});

/** The norm of which `squares` holds the squares of the parts. */
export const normOf = (parts: number): Shader =>
	makeShader({
		fields: { count: 'u32' },
		buffers: { squares: ['f32', 'read'], norm: ['f32', 'read_write'] },
		invocations: 1,
		body: `
	var total = 0.0;
	for (var n = 0u; n < min(p.count, ${parts}u); n++) { total += squares[n]; }
	norm[0] = sqrt(total);`
	});
