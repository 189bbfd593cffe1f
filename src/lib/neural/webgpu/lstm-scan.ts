/**
 * Neural, WebGPU: an LSTM over all its steps in one dispatch, forward and backward. A workgroup owns a few rows of the batch
 * (`lanes`) and has one invocation per hidden unit (or one for several units); it loops over time, h (or dz) in workgroup
 * memory, c in registers. In: z = x . kernel + bias for all steps, gates interleaved as a vec4 per unit (i, f, c, o).
 * Out: activations written over z, then dz written over those.
 *
 * Row of step s of window b: b * steps + s, in order of processing. Widths are padded to multiples of 4; padding stays 0.
 */
import { each, gateMath, makeShader, type Shader, type ShaderSource } from './shader';

export interface ScanShape {
	/** Units, a multiple of 4. */
	readonly units: number;
	/** Rows of the batch in a workgroup: 1, 2 or 4. */
	readonly lanes: number;
	/** Units of one invocation. */
	readonly perThread: number;
	/** The registered kernels: states are given, and come out. */
	readonly stateful?: boolean;
	/** Some steps are padding. */
	readonly masked?: boolean;
	/** h is multiplied by a recurrent mask before the product. */
	readonly dropped?: boolean;
}

/** What every adapter has. */
const workgroupBytes = 16384;
const mostInvocations = 256;

/** Most units for which dz of one row fits into workgroup memory. */
export const mostUnits = 1024;

/**
 * How a scan over `rows` is divided. A GPU gains by many small workgroups; a CPU that plays one (`software`) by few invocations
 * that use each number they read several times.
 */
export function scanShape(units: number, rows: number, software: boolean): ScanShape {
	const perThread = Math.max(Math.ceil(units / mostInvocations), software ? 4 : 1);
	// 64 workgroups keep most adapters busy; beyond that, rows that share a workgroup share its reads of the weights.
	const wanted = software ? rows : Math.max(1, rows / 64);
	const lanes = [4, 2, 1].find(
		(count) => count <= wanted && count * perThread <= 16 && count * units * 16 <= workgroupBytes
	);
	return { units, lanes: lanes ?? 1, perThread };
}

const threadsOf = ({ units, perThread }: ScanShape) => Math.ceil(units / perThread);

const stateBuffers = ({ stateful, masked }: ScanShape): ShaderSource['buffers'] => ({
	/** [h0 | c0 | recurrent mask | dcLast], each [rows][units]. */
	...(stateful ? { given: ['f32', 'read'] } : {}),
	/** [rows][steps] in the order of time; 0 is a padded step. */
	...(masked ? { mask: ['f32', 'read'] } : {}),
	/** [hLast | cLast], or [dh0 | dc0]. */
	...(stateful ? { ended: ['f32', 'read_write'] } : {})
});
const maskFields = ({ masked }: ScanShape): ShaderSource['fields'] =>
	masked ? { maskOffset: 'i32', maskStep: 'i32' } : {};

/** Texts that both directions share. A cell is one unit of one row. */
function textsOf(shape: ScanShape) {
	const { units, lanes, perThread, dropped } = shape;
	const threads = threadsOf(shape);
	const whole = units === threads * perThread;
	const given = (part: number, l: number, j: number) => `given[(${part}u * p.rows + row${l}) * ${units}u + u${j}]`;
	return {
		given,
		threads,
		/** Units of an invocation lie `threads` apart, so that neighbours read neighbours. The last may be past the end. */
		prologue: [
			each(perThread, (j) => `\tlet own${j} = lane + ${j * threads}u;\n\tlet u${j} = min(own${j}, ${units - 1}u);`),
			each(lanes, (l) => `\tlet b${l} = group.x * ${lanes}u + ${l}u;\n\tlet row${l} = min(b${l}, p.rows - 1u);`)
		].join('\n'),
		cells: (text: (cell: string, j: number, l: number) => string) =>
			each(perThread, (j) => each(lanes, (l) => text(`${j}_${l}`, j, l))),
		isUnit: (j: number) => (whole || j < perThread - 1 ? 'true' : `own${j} < ${units}u`),
		isRow: (l: number) => `b${l} < p.rows`,
		keep: (j: number, l: number) => (dropped ? ` * ${given(2, l, j)}` : ''),
		isReal: (l: number) => `mask[i32(row${l} * p.steps) + p.maskOffset + i32(s) * p.maskStep] != 0.0`
	};
}

/** Forward. Workgroups: rows / lanes. `saves`: gates and c are kept for the way back. */
export function lstmForwardScan(shape: ScanShape, saves: boolean): Shader {
	const { units, lanes, perThread, stateful, masked } = shape;
	const { given, threads, prologue, cells, isUnit, isRow, keep, isReal } = textsOf(shape);
	const state = (buffer: string, l: number, unit: string) =>
		`state[(${buffer} * ${lanes}u + ${l}u) * ${units}u + ${unit}]`;
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
		head: `${gateMath}\nvar<workgroup> state: array<f32, ${2 * lanes * units}>;`,
		body: `${prologue}
${cells(
	(cell, j, l) => `
	var c${cell} = ${stateful ? given(1, l, j) : '0.0'};
	var h${cell} = ${stateful ? given(0, l, j) : '0.0'};
	if (${isUnit(j)}) { ${state('0u', l, `u${j}`)} = h${cell}${keep(j, l)}; }`
)}
	for (var s = 0u; s < p.steps; s++) {
		let now = s & 1u;
${cells((cell, j, l) => `\t\tlet at${cell} = (row${l} * p.steps + s) * ${units}u + u${j};\n\t\tvar z${cell} = z[at${cell}];`)}
		workgroupBarrier();
		for (var k = 0u; k < ${units}u; k += 4u) {
			let base = p.weights + k * ${units}u;
${each(lanes, (l) => each(4, (i) => `\t\t\tlet h${l}_k${i} = ${state('now', l, `k + ${i}u`)};`))}
${each(
	perThread,
	(j) => `${each(4, (i) => `\t\t\tlet w${j}_${i} = w[base + ${i * units}u + u${j}];`)}
${each(lanes, (l) => each(4, (i) => `\t\t\tz${j}_${l} = fma(vec4f(h${l}_k${i}), w${j}_${i}, z${j}_${l});`))}`
)}
		}
${cells((cell, j, l) => {
	const step = `
				let i = logistic(z${cell}.x);
				let f = logistic(z${cell}.y);
				let g = squash(z${cell}.z);
				let o = logistic(z${cell}.w);
				c${cell} = f * c${cell} + i * g;
				h${cell} = o * squash(c${cell});
				${saves ? 'gates = vec4f(i, f, g, o);' : ''}`;
	return `
		if (${isUnit(j)}) {
			${saves ? 'var gates = vec4f();' : ''}
			${masked ? `if (${isReal(l)}) {${step}\n\t\t\t}` : `{${step}\n\t\t\t}`}
			${state('(1u - now)', l, `u${j}`)} = h${cell}${keep(j, l)};
			if (${isRow(l)}) {
				${saves ? `z[at${cell}] = gates; c[at${cell}] = c${cell};` : ''}
				h[p.hOffset + i32(row${l}) * p.hBatch + i32(s) * p.hStep + i32(u${j})] = h${cell};
			}
		}`;
})}
	}
${
	stateful
		? cells(
				(cell, j, l) => `
	if (${isUnit(j)} && ${isRow(l)}) {
		ended[row${l} * ${units}u + u${j}] = h${cell};
		ended[(p.rows + row${l}) * ${units}u + u${j}] = c${cell};
	}`
			)
		: ''
}`
	});
}

/**
 * Backward: gates in `z` become dz. `dh` is the gradient of the layer's output, by step (a view in floats), or of the last
 * processed step alone (`lastOnly` != 0). `w` holds the recurrent weights transposed: vec4 [unit that gives][unit that gets].
 */
export function lstmBackwardScan(shape: ScanShape): Shader {
	const { units, lanes, perThread, stateful, masked } = shape;
	const { given, threads, prologue, cells, isUnit, isRow, keep, isReal } = textsOf(shape);
	const double = 2 * lanes * units * 16 <= workgroupBytes;
	const slot = (l: number, unit: string) =>
		`dzs[(${double ? '(s & 1u)' : '0u'} * ${lanes}u + ${l}u) * ${units}u + ${unit}]`;
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
		head: `${gateMath}\nvar<workgroup> dzs: array<vec4f, ${(double ? 2 : 1) * lanes * units}>;`,
		body: `${prologue}
${cells(
	(cell, j, l) => `
	var dc${cell} = ${stateful ? given(3, l, j) : '0.0'};
	var dh${cell} = 0.0;
	var now${cell} = c[(row${l} * p.steps + p.steps - 1u) * ${units}u + u${j}];`
)}
	for (var left = p.steps; left > 0u; left--) {
		let s = left - 1u;
${cells((cell, j, l) => {
	const step = `
				let gates = z[at];
				let i = gates.x; let f = gates.y; let g = gates.z; let o = gates.w;
				let t = squash(now${cell});
				let whole = dc${cell} + dh${cell} * o * (1.0 - t * t);
				dz = vec4f(whole * g * i * (1.0 - i), whole * before * f * (1.0 - f), whole * i * (1.0 - g * g), dh${cell} * t * o * (1.0 - o));
				dc${cell} = whole * f;
				dh${cell} = 0.0;`;
	return `
		if (${isUnit(j)}) {
			let at = (row${l} * p.steps + s) * ${units}u + u${j};
			if (p.lastOnly == 0u) { dh${cell} += dh[p.hOffset + i32(row${l}) * p.hBatch + i32(s) * p.hStep + i32(u${j})]; }
			else if (s + 1u == p.steps) { dh${cell} += dh[p.hOffset + i32(row${l}) * p.hBatch + i32(u${j})]; }
			var before = ${stateful ? given(1, l, j) : '0.0'};
			if (s > 0u) { before = c[at - ${units}u]; }
			var dz = vec4f();
			${masked ? `if (${isReal(l)}) {${step}\n\t\t\t}` : `{${step}\n\t\t\t}`}
			now${cell} = before;
			if (${isRow(l)}) { z[at] = dz; }
			${slot(l, `u${j}`)} = dz;
		}`;
})}
		workgroupBarrier();
${cells((cell) => `\t\tvar sum${cell} = vec4f();`)}
		for (var k = 0u; k < ${units}u; k++) {
			let base = p.weights + k * ${units}u;
${each(lanes, (l) => `\t\t\tlet d${l} = ${slot(l, 'k')};`)}
${each(perThread, (j) => `\t\t\tlet w${j} = w[base + u${j}];`)}
${cells((cell, j, l) => `\t\t\tsum${cell} = fma(d${l}, w${j}, sum${cell});`)}
		}
${cells((cell, j, l) => `\t\tdh${cell} += dot(sum${cell}, vec4f(1.0))${keep(j, l)};`)}
		${double ? '' : 'workgroupBarrier();'}
	}
${
	stateful
		? cells(
				(cell, j, l) => `
	if (${isUnit(j)} && ${isRow(l)}) {
		ended[row${l} * ${units}u + u${j}] = dh${cell};
		ended[(p.rows + row${l}) * ${units}u + u${j}] = dc${cell};
	}`
			)
		: ''
}`
	});
}
