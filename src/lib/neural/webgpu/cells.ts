/**
 * Neural, WebGPU: what a unit of an LSTM or a GRU computes in one step, as WGSL, and where its gates lie in a vec4.
 *
 * LSTM: (i, f, candidate, o). GRU (Keras `reset_after`): (z, r, candidate from the input, candidate from the state), since
 * the reset gate comes between the last two: h = z h + (1 - z) tanh(a_z + r a_w). Rows of the kernel and the first bias have no
 * fourth gate, rows of the recurrent kernel and the second bias no third: those places hold 0, and their gradient is 0.
 * One product serves both kinds.
 */

export type Cell = 'lstm' | 'gru';

export interface CellTexts {
	/** Gates of a step from `a` into `gates`, and the unit's state moved on. */
	readonly forward: (h: string, c: string) => string;
	/** `dz` from `gates`, the state before the step (`before`) and after it (`now`); `dh` keeps what bypasses the gates. */
	readonly backward: (dh: string, dc: string, now: string) => string;
	/** The unit carries c beside h. */
	readonly carriesCell: boolean;
	/** Gates of a unit in Keras order, and their places in the vec4 of the kernel and of the recurrent kernel. */
	readonly gates: number;
	readonly kernelPlaces: readonly number[];
	readonly recurrentPlaces: readonly number[];
	/** Bias rows: one, or one with the input and one with the recurrent product. */
	readonly biases: 1 | 2;
}

export const cellTexts: Record<Cell, CellTexts> = {
	lstm: {
		forward: (h, c) => `
				gates = vec4f(logistic(a.x), logistic(a.y), squash(a.z), logistic(a.w));
				${c} = gates.y * ${c} + gates.x * gates.z;
				${h} = gates.w * squash(${c});`,
		backward: (dh, dc, now) => `
				let i = gates.x; let f = gates.y; let g = gates.z; let o = gates.w;
				let t = squash(${now});
				let whole = ${dc} + ${dh} * o * (1.0 - t * t);
				dz = vec4f(whole * g * i * (1.0 - i), whole * before * f * (1.0 - f), whole * i * (1.0 - g * g), ${dh} * t * o * (1.0 - o));
				${dc} = whole * f;
				${dh} = 0.0;`,
		carriesCell: true,
		gates: 4,
		kernelPlaces: [0, 1, 2, 3],
		recurrentPlaces: [0, 1, 2, 3],
		biases: 1
	},
	gru: {
		forward: (h) => `
				let r = logistic(a.y);
				gates = vec4f(logistic(a.x), r, squash(a.z + r * a.w), a.w);
				${h} = gates.x * ${h} + (1.0 - gates.x) * gates.z;`,
		backward: (dh) => `
				let z = gates.x; let r = gates.y; let n = gates.z; let q = gates.w;
				let dn = ${dh} * (1.0 - z) * (1.0 - n * n);
				dz = vec4f(${dh} * (before - n) * z * (1.0 - z), dn * q * r * (1.0 - r), dn, dn * r);
				${dh} *= z;`,
		carriesCell: false,
		gates: 3,
		kernelPlaces: [0, 1, 2],
		recurrentPlaces: [0, 1, 3],
		biases: 2
	}
};
