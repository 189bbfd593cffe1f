/**
 * Neural: streaming scoring. In: one row per lane (a machine). Out: the network's answer to it, with (h, c) of every lane
 * carried from call to call, so that a reading costs one step and not a window. Equal to the windowed result from the same
 * state. States live on the backend while all lanes step together, and on the host when only some do.
 */
import { reshape, tensor, tidy, keep, type Tensor, type Tensor2D, type Tensor3D } from '@tensorflow/tfjs-core';
import { MillwrightError } from '../contracts/error';
import type { NetworkStream } from './engine';
import { runFusedGru } from './kernels/gru-kernel';
import { runFusedLstm } from './kernels/lstm-kernel';
import { passLayer, type Pass } from './layer-passes';
import type { NetworkPlan } from './network-spec';

const scoring: Pass = { training: false, seed: 0, firstRow: 0, rowScale: 0 };

/** Throws `unsupported` naming the layer that cannot run one step at a time. */
export function requireStreamable(plan: NetworkPlan): void {
	for (const layer of plan.layers) {
		const { spec } = layer;
		const recurrent = spec.kind === 'lstm' || spec.kind === 'gru';
		const streams = recurrent
			? !spec.bidirectional && !spec.goBackwards
			: spec.kind === 'dense' || spec.kind === 'dropout';
		if (!streams)
			throw new MillwrightError(
				'unsupported',
				`Layer ${layer.name} cannot run one step at a time: only forward LSTM/GRU and dense can.`,
				{
					layer: layer.name,
					found: spec
				}
			);
	}
}

/** Opens a stream of a streamable plan. `weights` gives the network's weights at the time of a step; `activate` makes its backend current. */
export function openStream(
	plan: NetworkPlan,
	lanes: number,
	weights: () => readonly Tensor[],
	activate: () => void
): NetworkStream {
	/** Widths of the states, in order: h and c of each LSTM, h of each GRU. */
	const widths = plan.layers.flatMap(({ spec }) =>
		spec.kind === 'lstm' ? [spec.units, spec.units] : spec.kind === 'gru' ? [spec.units] : []
	);
	const perLane = widths.reduce((sum, width) => sum + width, 0);
	const host = widths.map((width) => new Float32Array(lanes * width));
	let resident: Tensor[] | undefined;
	let disposed = false;

	function checkLane(lane: number): void {
		if (disposed) throw new MillwrightError('invalid-input', 'This stream has been disposed.');
		if (!Number.isInteger(lane) || lane < 0 || lane >= lanes)
			throw new MillwrightError('invalid-input', `Expected a lane of 0 to ${lanes - 1}, found ${lane}.`, {
				found: lane
			});
	}

	function toHost(): void {
		if (!resident) return;
		activate();
		resident.forEach((state, k) => {
			host[k]!.set(state.dataSync() as Float32Array);
			state.dispose();
		});
		resident = undefined;
	}

	/** One step of the rows given: output [rows, outputs] and the states after it. */
	function advance(inputs: Float32Array, states: readonly Tensor[], rows: number): Tensor[] {
		const all = weights();
		const next: Tensor[] = [];
		let y: Tensor = tensor(inputs, [rows, plan.spec.features], 'float32');
		let at = 0;
		plan.layers.forEach((layer, index) => {
			const own = all.slice(layer.firstWeight, layer.firstWeight + layer.weights.length);
			const { spec } = layer;
			if (spec.kind !== 'lstm' && spec.kind !== 'gru') {
				y = passLayer(layer, index, y, own, scoring).y;
				return;
			}
			const x = reshape(y, [rows, 1, layer.inputWidth]) as Tensor3D;
			const [kernel, recurrentKernel, bias] = own as [Tensor, Tensor, Tensor];
			const attrs = { saveForGradient: false, goBackwards: false };
			if (spec.kind === 'lstm') {
				const run = runFusedLstm({ x, kernel, recurrentKernel, bias, h0: states[at]!, c0: states[at + 1]! }, attrs);
				y = reshape(run.hSeq, [rows, spec.units]) as Tensor2D;
				next.push(y, run.cLast);
				at += 2;
			} else {
				const run = runFusedGru({ x, kernel, recurrentKernel, bias, h0: states[at]! }, attrs);
				y = reshape(run.hSeq, [rows, spec.units]) as Tensor2D;
				next.push(y);
				at += 1;
			}
		});
		return [y, ...next];
	}

	function stepAll(inputs: Float32Array): Float32Array {
		const before = resident;
		const [y, ...states] = tidy(() =>
			advance(inputs, before ?? host.map((values, k) => tensor(values.slice(), [lanes, widths[k]!], 'float32')), lanes)
		) as [Tensor, ...Tensor[]];
		const output = y.dataSync() as Float32Array;
		y.dispose();
		resident = states.map((state) => keep(state));
		before?.forEach((state) => state.dispose());
		return output;
	}

	function stepSome(inputs: Float32Array, chosen: readonly number[]): Float32Array {
		toHost();
		const rows = chosen.length;
		const parts = tidy(() => {
			const states = host.map((values, k) => {
				const width = widths[k]!;
				const picked = new Float32Array(rows * width);
				chosen.forEach((lane, row) => picked.set(values.subarray(lane * width, (lane + 1) * width), row * width));
				return tensor(picked, [rows, width], 'float32');
			});
			return advance(inputs, states, rows);
		});
		const [output, ...states] = parts.map((part) => part.dataSync() as Float32Array);
		parts.forEach((part) => part.dispose());
		states.forEach((values, k) => {
			const width = widths[k]!;
			chosen.forEach((lane, row) => host[k]!.set(values.subarray(row * width, (row + 1) * width), lane * width));
		});
		return output!;
	}

	return {
		lanes,
		step(inputs, chosen) {
			chosen.forEach(checkLane);
			if (disposed || chosen.length === 0) return new Float32Array(0);
			if (new Set(chosen).size !== chosen.length)
				throw new MillwrightError('invalid-input', 'A lane may be named once per step.', { found: [...chosen] });
			const expected = chosen.length * plan.spec.features;
			if (inputs.length !== expected)
				throw new MillwrightError(
					'invalid-input',
					`Expected ${expected} numbers (${chosen.length} lanes), found ${inputs.length}.`,
					{
						expected,
						found: inputs.length
					}
				);
			const bad = inputs.findIndex((value) => !Number.isFinite(value));
			if (bad >= 0)
				throw new MillwrightError(
					'invalid-input',
					`Input of lane ${chosen[Math.floor(bad / plan.spec.features)]} is not finite.`,
					{
						lane: chosen[Math.floor(bad / plan.spec.features)],
						element: bad % plan.spec.features,
						found: String(inputs[bad])
					}
				);
			activate();
			const whole = chosen.length === lanes && chosen.every((lane, k) => lane === k);
			return whole ? stepAll(inputs) : stepSome(inputs, chosen);
		},
		reset(lane) {
			checkLane(lane);
			toHost();
			host.forEach((values, k) => values.fill(0, lane * widths[k]!, (lane + 1) * widths[k]!));
		},
		saveState(lane) {
			checkLane(lane);
			toHost();
			const state = new Float32Array(perLane);
			let at = 0;
			host.forEach((values, k) => {
				state.set(values.subarray(lane * widths[k]!, (lane + 1) * widths[k]!), at);
				at += widths[k]!;
			});
			return state;
		},
		restoreState(lane, state) {
			checkLane(lane);
			if (state.length !== perLane)
				throw new MillwrightError('invalid-input', `Expected a state of ${perLane} numbers, found ${state.length}.`, {
					expected: perLane,
					found: state.length
				});
			toHost();
			let at = 0;
			host.forEach((values, k) => {
				values.set(state.subarray(at, at + widths[k]!), lane * widths[k]!);
				at += widths[k]!;
			});
		},
		dispose() {
			if (disposed) return;
			resident?.forEach((state) => state.dispose());
			resident = undefined;
			disposed = true;
		}
	};
}
