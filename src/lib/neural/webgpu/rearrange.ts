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
 * Rows as they come from outside to rows as they lie on the device (see `RowPlaces`). `width` numbers in a row outside,
 * `toWidth` on the device, in blocks of `block` of which the first `blockWidth` count. Count: rows * toWidth.
 */
export const spreadRows: Shader = makeShader({
	fields: { count: 'u32', width: 'u32', toWidth: 'u32', block: 'u32', blockWidth: 'u32' },
	buffers: { rows: ['f32', 'read'], padded: ['f32', 'read_write'] },
	invocations,
	body: `${prologue}
	let column = k % p.toWidth;
	let source = (column / p.block) * p.blockWidth + column % p.block;
	var value = 0.0;
	if (column % p.block < p.blockWidth && source < p.width) { value = rows[(k / p.toWidth) * p.width + source]; }
	padded[k] = value;`
});

/**
 * The way back of `spreadRows`, for the last `lines` rows of each window; a window takes `stride` numbers on the device and
 * its rows start at `offset`. Count: windows * lines * width.
 */
export const gatherRows: Shader = makeShader({
	fields: {
		count: 'u32',
		lines: 'u32',
		stride: 'u32',
		offset: 'u32',
		width: 'u32',
		toWidth: 'u32',
		block: 'u32',
		blockWidth: 'u32'
	},
	buffers: { padded: ['f32', 'read'], rows: ['f32', 'read_write'] },
	invocations,
	body: `${prologue}
	let column = k % p.width;
	let line = (k / p.width) % p.lines;
	let window = k / (p.width * p.lines);
	let place = (column / p.blockWidth) * p.block + column % p.blockWidth;
	rows[k] = padded[window * p.stride + p.offset + line * p.toWidth + place];`
});

/**
 * Weights in Keras order [rows][gates][units] (4 gates, or 3 of a GRU) to [rows padded][units padded][4], or with `transposes` to
 * [units padded][rows padded][4]. Gates 0 and 1 lie where they are, the third at `third` (see cells.ts), the rest is 0.
 * Count: all numbers of the result.
 */
export const packGates: Shader = makeShader({
	fields: {
		count: 'u32',
		rows: 'u32',
		rowsPadded: 'u32',
		units: 'u32',
		unitsPadded: 'u32',
		gates: 'u32',
		third: 'u32',
		start: 'u32',
		toStart: 'u32',
		transposes: 'u32'
	},
	buffers: { keras: ['f32', 'read'], packed: ['f32', 'read_write'] },
	invocations,
	body: `${prologue}
	let place = k % 4u;
	let gate = select(place, 2u, place == p.third);
	let isGate = p.gates == 4u || place < 2u || place == p.third;
	let unit = (k / 4u) % p.unitsPadded;
	let row = k / (4u * p.unitsPadded);
	var value = 0.0;
	if (isGate && row < p.rows && unit < p.units) { value = keras[p.start + (row * p.gates + gate) * p.units + unit]; }
	let cell = select(row * p.unitsPadded + unit, unit * p.rowsPadded + row, p.transposes != 0u);
	packed[p.toStart + cell * 4u + place] = value;`
});

/** The way back of `packGates`. Count: rows * gates * units. */
export const unpackGates: Shader = makeShader({
	fields: {
		count: 'u32',
		units: 'u32',
		unitsPadded: 'u32',
		gates: 'u32',
		third: 'u32',
		start: 'u32',
		toStart: 'u32'
	},
	buffers: { packed: ['f32', 'read'], keras: ['f32', 'read_write'] },
	invocations,
	body: `${prologue}
	let unit = k % p.units;
	let gate = (k / p.units) % p.gates;
	let row = k / (p.gates * p.units);
	let place = select(gate, p.third, gate == 2u);
	keras[p.toStart + k] = packed[p.start + (row * p.unitsPadded + unit) * 4u + place];`
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
