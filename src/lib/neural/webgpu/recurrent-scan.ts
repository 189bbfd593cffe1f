/**
 * Neural, WebGPU: an LSTM or a GRU over all its steps in one dispatch, forward and backward. A workgroup owns a few rows of the
 * batch (`lanes`) and loops over time: the state (or dz) that all units need in workgroup memory, what one unit carries in
 * registers. In: z = x . kernel + bias for all steps, gates interleaved as a vec4 per unit (see `cells.ts`).
 * Out: activations written over z, then dz written over those.
 *
 * `split` invocations share a unit: each multiplies a part of the recurrent weights and keeps the first `held` of them in
 * registers; their sums meet in workgroup memory. Row of step s of window b: b * steps + s, in order of processing. Widths
 * are padded to multiples of 4; padding stays 0.
 */
import { cellTexts } from './cells';
import { each, gateMath, makeShader, type Shader, type ShaderSource } from './shader';
import { partOf, threadsOf, workgroupBytes, type ScanShape } from './scan-shape';

const stateBuffers = ({ stateful, masked }: ScanShape): ShaderSource['buffers'] => ({
	/** [h0 | c0 | recurrent mask | dcLast], each [rows][units]. */
	...(stateful ? { given: ['f32', 'read'] } : {}),
	/** [rows][steps] in the order of time; 0 is a padded step. */
	...(masked ? { mask: ['f32', 'read'] } : {}),
	/** [hLast | cLast], or [dh0 | dc0]; of a GRU the first alone. */
	...(stateful ? { ended: ['f32', 'read_write'] } : {})
});
const maskFields = ({ masked }: ScanShape): ShaderSource['fields'] =>
	masked ? { maskOffset: 'i32', maskStep: 'i32' } : {};

/** Texts that both directions share. A cell is one unit of one row, numbered `unit_row`. */
function textsOf(shape: ScanShape) {
	const { units, lanes, perThread, split, dropped } = shape;
	const threads = threadsOf(shape);
	const perPart = threads / split;
	const whole = units === perPart * perThread;
	const given = (part: number, l: number, j: number) => `given[(${part}u * p.rows + row${l}) * ${units}u + u${j}]`;
	const isUnit = (j: number) => (whole || j < perThread - 1 ? 'true' : `own${j} < ${units}u`);
	return {
		given,
		threads,
		/** Units of an invocation lie `perPart` apart, so that neighbours read neighbours. The last may be past the end. */
		prologue: [
			`\tlet part = lane / ${perPart}u;`,
			each(
				perThread,
				(j) => `\tlet own${j} = lane % ${perPart}u + ${j * perPart}u;\n\tlet u${j} = min(own${j}, ${units - 1}u);`
			),
			each(lanes, (l) => `\tlet b${l} = group.x * ${lanes}u + ${l}u;\n\tlet row${l} = min(b${l}, p.rows - 1u);`)
		].join('\n'),
		cells: (text: (cell: string, j: number, l: number) => string) =>
			each(perThread, (j) => each(lanes, (l) => text(`${j}_${l}`, j, l))),
		/** Of the invocations that share a unit, the one that carries it on in this row; and the unit exists. */
		isOwn: (j: number, l: number) => [isUnit(j), ...(split > 1 ? [`part == ${l % split}u`] : [])].join(' && '),
		isRow: (l: number) => `b${l} < p.rows`,
		keep: (j: number, l: number) => (dropped ? ` * ${given(2, l, j)}` : ''),
		isReal: (l: number) => `mask[i32(row${l} * p.steps) + p.maskOffset + i32(s) * p.maskStep] != 0.0`
	};
}

/** Weights that stay in registers: read once, before the loop over time. */
const heldWeights = ({ units, perThread, held }: ScanShape, first: string) =>
	each(perThread, (j) =>
		each(held, (k) => `\tlet held${j}_${k} = w[p.weights + (${first} + ${k}u) * ${units}u + u${j}];`)
	);

/**
 * Multiplies this invocation's part of the weights. `operand` names what weight k is multiplied by in a row (a number or a vec4);
 * sums are `sum<cell>`.
 */
function product(shape: ScanShape, first: string, operand: (l: number, k: string) => string): string {
	const { units, lanes, perThread, held, unroll } = shape;
	const rest = partOf(shape) - held;
	const stride = [unroll, unroll / 2, 4].find((count) => rest % count === 0)!;
	const multiply = (k: string, weight: (j: number) => string) => `
${each(lanes, (l) => `\t\t\tlet v${l} = ${operand(l, k)};`)}
${each(perThread, (j) => each(lanes, (l) => `\t\t\tsum${j}_${l} = fma(vec4f(v${l}), ${weight(j)}, sum${j}_${l});`))}`;
	const loop = `
		for (var k = ${first} + ${held}u; k < ${first} + ${partOf(shape)}u; k += ${stride}u) {
			let base = p.weights + k * ${units}u;
${each(perThread, (j) => each(stride, (i) => `\t\t\tlet w${j}_${i} = w[base + ${i * units}u + u${j}];`))}
${each(stride, (i) => `\t\t\t{${multiply(`k + ${i}u`, (j) => `w${j}_${i}`)}\n\t\t\t}`)}
		}`;
	return `${each(held, (k) => `\t\t{${multiply(`${first} + ${k}u`, (j) => `held${j}_${k}`)}\n\t\t}`)}
		${rest > 0 ? loop : ''}`;
}

/** Where the sum that a part has made for a row lies until its owner adds it. */
const partialAt = ({ split, lanes, units }: ScanShape, part: string, l: number) =>
	`partial[(((${part} + ${split - 1 - (l % split)}u) % ${split}u) * ${lanes}u + ${l}u) * ${units}u + u0]`;
const partialHead = ({ split, lanes, units }: ScanShape) =>
	split > 1 ? `var<workgroup> partial: array<vec4f, ${(split - 1) * lanes * units}>;` : '';

/** Sums of all parts into those of the owners. */
function gather(shape: ScanShape): string {
	const { split, lanes } = shape;
	if (split === 1) return '';
	return `
${each(lanes, (l) => `\t\tif (part != ${l % split}u) { ${partialAt(shape, 'part', l)} = sum0_${l}; }`)}
		workgroupBarrier();
${each(
	lanes,
	(l) => `\t\tif (part == ${l % split}u) {
${each(split - 1, (n) => `\t\t\tsum0_${l} += ${partialAt(shape, `${(l + 1 + n) % split}u`, l)};`)}
		}`
)}`;
}

/** Forward. Workgroups: rows / lanes. `saves`: gates and the state are kept for the way back. */
export function forwardScan(shape: ScanShape, saves: boolean): Shader {
	const { lanes, split, units, ahead, stateful, masked } = shape;
	const { given, threads, prologue, cells, isOwn, isRow, keep, isReal } = textsOf(shape);
	const { forward, carriesCell } = cellTexts[shape.cell];
	const padded = partOf(shape) * split;
	// Where parts meet, all have read the state before anyone writes it: one copy is enough.
	const copies = split > 1 ? 1 : 2;
	const now = split > 1 ? '0u' : '(s & 1u)';
	const next = split > 1 ? '0u' : '(1u - (s & 1u))';
	const state = (copy: string, l: number, unit: string) =>
		`state[(${copy} * ${lanes}u + ${l}u) * ${padded}u + ${unit}]`;
	const first = `part * ${partOf(shape)}u`;
	return makeShader({
		fields: {
			rows: 'u32',
			steps: 'u32',
			weights: 'u32',
			hOffset: 'i32',
			hBatch: 'i32',
			hStep: 'i32',
			...maskFields(shape)
		},
		buffers: {
			z: ['vec4f', 'read_write'],
			w: ['vec4f', 'read'],
			h: ['f32', 'read_write'],
			...(saves ? { c: ['f32', 'read_write'] as const } : {}),
			...stateBuffers(shape)
		},
		invocations: threads,
		head: `${gateMath}\nvar<workgroup> state: array<f32, ${copies * lanes * padded}>;\n${partialHead(shape)}`,
		body: `${prologue}
${heldWeights(shape, first)}
${cells(
	(cell, j, l) => `
	var c${cell} = ${stateful ? given(1, l, j) : '0.0'};
	var h${cell} = ${stateful ? given(0, l, j) : '0.0'};
	var next${cell} = vec4f();
	if (${isOwn(j, l)}) {
		${state('0u', l, `u${j}`)} = h${cell}${keep(j, l)};
		${ahead ? `next${cell} = z[row${l} * p.steps * ${units}u + u${j}];` : ''}
	}`
)}
	for (var s = 0u; s < p.steps; s++) {
${cells(
	(cell, j, l) => `
		let at${cell} = (row${l} * p.steps + s) * ${units}u + u${j};
		${ahead ? '' : `if (${isOwn(j, l)}) { next${cell} = z[at${cell}]; }`}
		let z${cell} = next${cell};
		${ahead ? `if (${isOwn(j, l)} && s + 1u < p.steps) { next${cell} = z[at${cell} + ${units}u]; }` : ''}
		var sum${cell} = vec4f();`
)}
		workgroupBarrier();
${product(shape, first, (l, k) => state(now, l, k))}
${gather(shape)}
${cells((cell, j, l) => {
	const step = `
				let a = z${cell} + sum${cell};
				${forward(`h${cell}`, `c${cell}`)}`;
	return `
		if (${isOwn(j, l)}) {
			var gates = vec4f();
			${masked ? `if (${isReal(l)}) {${step}\n\t\t\t}` : `{${step}\n\t\t\t}`}
			${state(next, l, `u${j}`)} = h${cell}${keep(j, l)};
			if (${isRow(l)}) {
				${saves ? `z[at${cell}] = gates; c[at${cell}] = ${carriesCell ? 'c' : 'h'}${cell};` : ''}
				h[p.hOffset + i32(row${l}) * p.hBatch + i32(s) * p.hStep + i32(u${j})] = h${cell};
			}
		}`;
})}
	}
${
	stateful
		? cells(
				(cell, j, l) => `
	if (${isOwn(j, l)} && ${isRow(l)}) {
		ended[row${l} * ${units}u + u${j}] = h${cell};
		${carriesCell ? `ended[(p.rows + row${l}) * ${units}u + u${j}] = c${cell};` : ''}
	}`
			)
		: ''
}`
	});
}

/**
 * Backward: gates in `z` become dz. `c` is what the forward scan saved. `dh` is the gradient of the layer's output, by step (a
 * view in floats), or of the last processed step alone (`lastOnly` != 0). `w` holds the recurrent weights transposed: vec4
 * [unit that gives][unit that gets].
 */
export function backwardScan(shape: ScanShape): Shader {
	const { units, lanes, split, ahead, stateful, masked } = shape;
	const { given, threads, prologue, cells, isOwn, isRow, keep, isReal } = textsOf(shape);
	const { backward, carriesCell } = cellTexts[shape.cell];
	const padded = partOf(shape) * split;
	// With two copies nobody writes what another still reads, and one barrier a step is enough.
	const copies = split === 1 && 2 * lanes * padded * 16 <= workgroupBytes ? 2 : 1;
	const slot = (l: number, unit: string) =>
		`dzs[(${copies === 2 ? '(s & 1u)' : '0u'} * ${lanes}u + ${l}u) * ${padded}u + ${unit}]`;
	const first = `part * ${partOf(shape)}u`;
	const state0 = (j: number, l: number) => (stateful ? given(carriesCell ? 1 : 0, l, j) : '0.0');
	/** Reads what step `s` needs; a step ahead, it arrives while the step after it is worked on. */
	const fetch = (cell: string, j: number, l: number, s: string) => `
		let place = (row${l} * p.steps + ${s}) * ${units}u + u${j};
		gates${cell} = z[place];
		given${cell} = 0.0;
		if (p.lastOnly == 0u) { given${cell} = dh[p.hOffset + i32(row${l}) * p.hBatch + i32(${s}) * p.hStep + i32(u${j})]; }
		else if (${s} + 1u == p.steps) { given${cell} = dh[p.hOffset + i32(row${l}) * p.hBatch + i32(u${j})]; }
		before${cell} = ${state0(j, l)};
		if (${s} > 0u) { before${cell} = c[place - ${units}u]; }`;
	return makeShader({
		fields: {
			rows: 'u32',
			steps: 'u32',
			weights: 'u32',
			lastOnly: 'u32',
			hOffset: 'i32',
			hBatch: 'i32',
			hStep: 'i32',
			...maskFields(shape)
		},
		buffers: {
			z: ['vec4f', 'read_write'],
			w: ['vec4f', 'read'],
			c: ['f32', 'read'],
			dh: ['f32', 'read'],
			...stateBuffers(shape)
		},
		invocations: threads,
		head: `${gateMath}\nvar<workgroup> dzs: array<vec4f, ${copies * lanes * padded}>;\n${partialHead(shape)}`,
		body: `${prologue}
${heldWeights(shape, first)}
${cells(
	(cell, j, l) => `
	var dc${cell} = ${stateful && carriesCell ? given(3, l, j) : '0.0'};
	var dh${cell} = 0.0;
	var now${cell} = c[(row${l} * p.steps + p.steps - 1u) * ${units}u + u${j}];
	var gates${cell} = vec4f();
	var given${cell} = 0.0;
	var before${cell} = 0.0;
	${ahead ? `if (${isOwn(j, l)}) {${fetch(cell, j, l, 'p.steps - 1u')} }` : ''}`
)}
	for (var left = p.steps; left > 0u; left--) {
		let s = left - 1u;
${cells((cell, j, l) => {
	const step = `
				${backward(`dh${cell}`, `dc${cell}`, `now${cell}`)}`;
	return `
		var sum${cell} = vec4f();
		if (${isOwn(j, l)}) {
			${ahead ? '' : `{${fetch(cell, j, l, 's')} }`}
			let gates = gates${cell};
			let before = before${cell};
			dh${cell} += given${cell};
			${ahead ? `if (s > 0u) {${fetch(cell, j, l, '(s - 1u)')} }` : ''}
			var dz = vec4f();
			${masked ? `if (${isReal(l)}) {${step}\n\t\t\t}` : `{${step}\n\t\t\t}`}
			now${cell} = before;
			if (${isRow(l)}) { z[(row${l} * p.steps + s) * ${units}u + u${j}] = dz; }
			${slot(l, `u${j}`)} = dz;
		}`;
})}
		workgroupBarrier();
${product(shape, first, (l, k) => slot(l, k))}
${gather(shape)}
${cells((cell, j, l) => `\t\tif (${isOwn(j, l)}) { dh${cell} += dot(sum${cell}, vec4f(1.0))${keep(j, l)}; }`)}
		${split === 1 && copies === 1 ? 'workgroupBarrier();' : ''}
	}
${
	stateful
		? cells(
				(cell, j, l) => `
	if (${isOwn(j, l)} && ${isRow(l)}) {
		ended[row${l} * ${units}u + u${j}] = dh${cell};
		${carriesCell ? `ended[(p.rows + row${l}) * ${units}u + u${j}] = dc${cell};` : ''}
	}`
			)
		: ''
}`
	});
}
