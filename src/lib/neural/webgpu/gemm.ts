/**
 * Neural, WebGPU: the three matrix products of a layer as tiled shaders. A workgroup of 64 invocations makes a tile of 64 x 64
 * numbers; each invocation holds 8 x 8 of them in registers and takes its operands from two tiles of 16 x 64 in workgroup
 * memory (8 KiB). Widths are multiples of 4 (padded with zeros), so that everything moves as vec4.
 *
 * Rows are addressed by a view: row r is step r % steps of window r / steps, at offset + window * batch + step * stride
 * (in vec4). A sequence read backwards, the last step only, or a vector repeated over steps are views, not copies.
 */
import type { LayerSpec } from '../engine';
import { cellTexts, type Cell } from './cells';
import { each, makeShader, type Shader } from './shader';

export type Activation = NonNullable<Extract<LayerSpec, { kind: 'dense' }>['activation']>;

/** Side of a tile, and steps of the sum that are in workgroup memory at once. */
export const tileSide = 64;
const depth = 16;

const accumulators = `
	let tx = lane % 8u;
	let ty = lane / 8u;
${each(8, (i) => `\tvar s${i}a = vec4f();\n\tvar s${i}b = vec4f();`)}`;

const multiplyTiles = `
		workgroupBarrier();
		for (var kk = 0u; kk < ${depth}u; kk++) {
			let a0 = tileA[kk * 16u + ty];
			let a1 = tileA[kk * 16u + 8u + ty];
			let b0 = tileB[kk * 16u + tx];
			let b1 = tileB[kk * 16u + 8u + tx];
${each(8, (i) => {
	const a = `a${i >> 2}.${'xyzw'[i & 3]}`;
	return `\t\t\ts${i}a = fma(vec4f(${a}), b0, s${i}a);\n\t\t\ts${i}b = fma(vec4f(${a}), b1, s${i}b);`;
})}
		}
		workgroupBarrier();`;

const tiles = `
var<workgroup> tileA: array<vec4f, ${depth * 16}>;
var<workgroup> tileB: array<vec4f, ${depth * 16}>;
`;

/** Four rows of four numbers into a tile, as four columns. */
const storeTransposed = (tile: string, quad: string, depthQuad: string) =>
	each(4, (j) => {
		const c = 'xyzw'[j];
		return `\t\t${tile}[(${depthQuad} * 4u + ${j}u) * 16u + ${quad}] = vec4f(r0.${c}, r1.${c}, r2.${c}, r3.${c});`;
	});

/** Row of the tile that accumulator i belongs to. */
const rowOf = (i: number) => `${i >> 2 ? '32u + ' : ''}ty * 4u + ${i & 3}u`;

function viewFunction(name: string): string {
	return `
fn ${name}At(row: u32) -> i32 {
	return p.${name}Offset + i32(row / p.steps) * p.${name}Batch + i32(row % p.steps) * p.${name}Step;
}`;
}

const viewFields = (name: string) =>
	({ [`${name}Offset`]: 'i32', [`${name}Batch`]: 'i32', [`${name}Step`]: 'i32' }) as const;

/** Loads rows of `a` (a view) into tile A, transposed; row addresses are found once before the loop. */
const rowAddresses = each(
	4,
	(i) => `
	let m${i} = group.x * ${tileSide}u + quadA * 4u + ${i}u;
	let at${i} = aAt(min(m${i}, p.rows - 1u));`
);
const loadRows = `
		let innerQuad = k0 / 4u + depthA;
		var r0 = vec4f(); var r1 = vec4f(); var r2 = vec4f(); var r3 = vec4f();
		if (innerQuad < p.inner) {
${each(4, (i) => `\t\t\tif (m${i} < p.rows) { r${i} = a[at${i} + i32(innerQuad)]; }`)}
		}
${storeTransposed('tileA', 'quadA', 'depthA')}`;

/** y = activation(z) and, from y alone, its slope. */
const activationOf: Record<Activation, string> = {
	linear: 'z',
	relu: 'max(z, vec4f())',
	tanh: 'squash4(z)',
	sigmoid: 'logistic4(z)',
	softplus: 'max(z, vec4f()) + log(1.0 + exp(-abs(z)))'
};
export const slopeOf: Record<Activation, string> = {
	linear: 'vec4f(1.0)',
	relu: 'select(vec4f(), vec4f(1.0), y > vec4f())',
	tanh: '1.0 - y * y',
	sigmoid: 'y * (1.0 - y)',
	softplus: '1.0 - exp(-y)'
};
const activationMath = `
fn squash4(z: vec4f) -> vec4f {
	let e = exp(2.0 * clamp(z, vec4f(-15.0), vec4f(15.0)));
	return (e - 1.0) / (e + 1.0);
}
fn logistic4(z: vec4f) -> vec4f { return 1.0 / (1.0 + exp(-clamp(z, vec4f(-60.0), vec4f(60.0)))); }
`;

/**
 * c = activation(a . w + the sum of `biases` rows). Columns from `trueColumns` on are padding and stay 0. Workgroups: rows / 64, columns / 64.
 * Offsets, `inner` and `columns` in vec4; `w` holds [inner * 4][columns].
 */
export function projection(activation: Activation): Shader {
	const pad = activation === 'sigmoid' || activation === 'softplus';
	const write = (i: number, half: 'a' | 'b') => `
		if (column${half} < p.columns) {
			let z = s${i}${half} + bias${half};
			var y = ${activationOf[activation]};
			${pad ? `y = select(vec4f(), y, vec4u(column${half} * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(p.trueColumns));` : ''}
			c[place + i32(column${half})] = y;
		}`;
	return makeShader({
		fields: {
			rows: 'u32',
			steps: 'u32',
			inner: 'u32',
			columns: 'u32',
			weights: 'u32',
			bias: 'u32',
			biases: 'u32',
			trueColumns: 'u32',
			...viewFields('a'),
			...viewFields('c')
		},
		buffers: { a: ['vec4f', 'read'], w: ['vec4f', 'read'], c: ['vec4f', 'read_write'] },
		invocations: 64,
		head: tiles + viewFunction('a') + viewFunction('c') + (activation === 'linear' ? '' : activationMath),
		body: `${accumulators}
	let quadA = lane / 4u;
	let depthA = lane % 4u;
	let firstColumn = group.y * 16u;
${rowAddresses}
	for (var k0 = 0u; k0 < p.inner * 4u; k0 += ${depth}u) {
${loadRows}
		for (var i = 0u; i < 4u; i++) {
			let kk = i * 4u + lane / 16u;
			let column = firstColumn + lane % 16u;
			var value = vec4f();
			if (k0 + kk < p.inner * 4u && column < p.columns) { value = w[p.weights + (k0 + kk) * p.columns + column]; }
			tileB[kk * 16u + lane % 16u] = value;
		}
${multiplyTiles}
	}
	let columna = firstColumn + tx;
	let columnb = columna + 8u;
	var biasa = vec4f();
	var biasb = vec4f();
	for (var row = 0u; row < p.biases; row++) {
		biasa += w[p.bias + row * p.columns + min(columna, p.columns - 1u)];
		biasb += w[p.bias + row * p.columns + min(columnb, p.columns - 1u)];
	}
${each(
	8,
	(i) => `
	if (group.x * ${tileSide}u + ${rowOf(i)} < p.rows) {
		let place = cAt(group.x * ${tileSide}u + ${rowOf(i)});
${write(i, 'a')}
${write(i, 'b')}
	}`
)}`
	});
}

/**
 * c = (c +) a . transposed(w), times the slope of the layer below, found from its output `y`.
 * `inner` is the width of a row of `w`, `columns` the number of its rows that count, both in vec4. Workgroups: as above.
 */
export function inputGradient(slope: Activation, addsUp: boolean): Shader {
	const sloped = slope !== 'linear';
	const write = (i: number, half: 'a' | 'b') => `
		if (column${half} < p.columns) {
			var value = s${i}${half};
			${addsUp ? `value += c[place + i32(column${half})];` : ''}
			${sloped ? `let y = below[yAt(row) + i32(column${half})]; value *= ${slopeOf[slope]};` : ''}
			c[place + i32(column${half})] = value;
		}`;
	return makeShader({
		fields: {
			rows: 'u32',
			steps: 'u32',
			inner: 'u32',
			columns: 'u32',
			weights: 'u32',
			...viewFields('a'),
			...viewFields('c'),
			...(sloped ? viewFields('y') : {})
		},
		buffers: {
			a: ['vec4f', 'read'],
			w: ['vec4f', 'read'],
			c: ['vec4f', 'read_write'],
			...(sloped ? { below: ['vec4f', 'read'] as const } : {})
		},
		invocations: 64,
		head: tiles + viewFunction('a') + viewFunction('c') + (sloped ? viewFunction('y') : ''),
		body: `${accumulators}
	let quadA = lane / 4u;
	let depthA = lane % 4u;
	let firstColumn = group.y * 16u;
${rowAddresses}
	for (var k0 = 0u; k0 < p.inner * 4u; k0 += ${depth}u) {
${loadRows}
		r0 = vec4f(); r1 = vec4f(); r2 = vec4f(); r3 = vec4f();
		if (innerQuad < p.inner && firstColumn + quadA < p.columns) {
			let base = p.weights + (firstColumn + quadA) * 4u * p.inner + innerQuad;
${each(4, (i) => `\t\t\tr${i} = w[base + ${i}u * p.inner];`)}
		}
${storeTransposed('tileB', 'quadA', 'depthA')}
${multiplyTiles}
	}
	let columna = firstColumn + tx;
	let columnb = columna + 8u;
${each(
	8,
	(i) => `
	if (group.x * ${tileSide}u + ${rowOf(i)} < p.rows) {
		let row = group.x * ${tileSide}u + ${rowOf(i)};
		let place = cAt(row);
${write(i, 'a')}
${write(i, 'b')}
	}`
)}`
	});
}

/**
 * Slices of the sum over rows: enough workgroups for a large adapter, at least 96 rows each, within 32 MiB of partial sums
 * (`count`: vec4 of weights).
 */
export function weightSlices(rows: number, tiles: number, count: number): number {
	const most = Math.max(1, Math.floor(2 ** 21 / count));
	return Math.min(64, most, Math.ceil(rows / 96), Math.ceil(1536 / tiles));
}

/**
 * Gradient of a layer's weights: rows of [x | h before the step | 1] transposed, times dz, summed over a slice of the rows.
 * One product for kernel, recurrent kernel and bias, since they lie one after the other; places that no weight has (see
 * `cells.ts`) get 0. `cell` is left out for a dense layer. The slices' sums lie `total` (vec4)
 * apart in `partial`; `reduce` adds them up. Workgroups: (xQuads + hQuads + 1) / 16, columns / 16, slices.
 */
export function weightGradient(cell?: Cell): Shader {
	const recurrent = cell !== undefined;
	const biases = cell ? cellTexts[cell].biases : 1;
	const kept = (places: readonly number[]) => `vec4<bool>(${each(4, (k) => String(places.includes(k)), ', ')})`;
	const { kernelPlaces, recurrentPlaces } = cellTexts[cell ?? 'lstm'];
	const masks = kernelPlaces.length < 4;
	/** Rows of the kernel and the first bias, or of the recurrent kernel and the second. */
	const masking = `let ofInput = tall < p.xQuads * 4u || tall == height - 2u;
			let kept = select(${kept(recurrentPlaces)}, ${kept(kernelPlaces)}, ofInput);`;
	const value = (sum: string) => (masks ? `select(vec4f(), ${sum}, kept)` : sum);
	return makeShader({
		fields: {
			rows: 'u32',
			steps: 'u32',
			sliceRows: 'u32',
			xQuads: 'u32',
			hQuads: 'u32',
			columns: 'u32',
			total: 'u32',
			...viewFields('x'),
			...viewFields('z'),
			...(recurrent ? { ...viewFields('h'), shifted: 'u32' as const } : {})
		},
		buffers: {
			x: ['vec4f', 'read'],
			...(recurrent ? { h: ['vec4f', 'read'] as const } : {}),
			dz: ['vec4f', 'read'],
			parts: ['vec4f', 'read_write']
		},
		invocations: 64,
		head:
			tiles +
			viewFunction('x') +
			viewFunction('z') +
			(recurrent
				? `
/** h of the step before: 0 at the first, unless the buffer is shifted already. */
fn hBefore(row: u32, quad: u32) -> vec4f {
	let step = row % p.steps;
	if (p.shifted == 0u && step == 0u) { return vec4f(); }
	let back = i32(step) - select(1, 0, p.shifted != 0u);
	return h[p.hOffset + i32(row / p.steps) * p.hBatch + back * p.hStep + i32(quad)];
}`
				: ''),
		body: `${accumulators}
	let quad = group.x * 16u + lane % 16u;
	let column = group.y * 16u + lane % 16u;
	let end = min(p.rows, (group.z + 1u) * p.sliceRows);
	for (var k0 = group.z * p.sliceRows; k0 < end; k0 += ${depth}u) {
		for (var i = 0u; i < 4u; i++) {
			let kk = i * 4u + lane / 16u;
			let row = k0 + kk;
			var left = vec4f();
			var right = vec4f();
			if (row < end) {
				if (quad < p.xQuads) { left = x[xAt(row) + i32(quad)]; }
				${recurrent ? 'else if (quad < p.xQuads + p.hQuads) { left = hBefore(row, quad - p.xQuads); }' : ''}
				else { left = vec4f(1.0, ${biases === 2 ? '1.0' : '0.0'}, 0.0, 0.0); }
				if (column < p.columns) { right = dz[zAt(row) + i32(column)]; }
			}
			tileA[kk * 16u + lane % 16u] = left;
			tileB[kk * 16u + lane % 16u] = right;
		}
${multiplyTiles}
	}
	let height = (p.xQuads + p.hQuads) * 4u + ${biases}u;
	let first = group.z * p.total;
	let columna = group.y * 16u + tx;
	let columnb = columna + 8u;
${each(
	8,
	(i) => `
	{
		let tall = group.x * ${tileSide}u + ${rowOf(i)};
		if (tall < height) {
			${masks ? masking : ''}
			if (columna < p.columns) { parts[first + tall * p.columns + columna] = ${value(`s${i}a`)}; }
			if (columnb < p.columns) { parts[first + tall * p.columns + columnb] = ${value(`s${i}b`)}; }
		}
	}`
)}`
	});
}
