/**
 * Neural, WebGPU: what the dispatches of a network are written in terms of. In: a layer's plan, buffers. Out: rows as views (offset,
 * stride per window, stride per step), so that a sequence read backwards, a last step or a repeated vector costs no copy.
 */
import type { LossName } from '../executor';
import type { LayerPlan, NetworkPlan } from '../network-spec';
import type { Cell } from './cells';
import { tileSide, type Activation } from './gemm';
import type { PackedPlan } from './packing';
import type { DeviceTraits } from './scan-shape';

/** Rows in a buffer (see gemm.ts), in vec4. */
export interface View {
	readonly buffer: GPUBuffer;
	readonly offset: number;
	readonly batch: number;
	readonly step: number;
}

/** Buffers by name, made or enlarged as needed. */
export type Room = (name: string, floats: number) => GPUBuffer;

export interface ProgramRequest {
	readonly plan: NetworkPlan;
	readonly packed: PackedPlan;
	readonly room: Room;
	readonly rows: number;
	readonly steps: number;
	/** Work is divided for this device. */
	readonly traits: DeviceTraits;
	/** Left out: scoring only. */
	readonly loss?: {
		readonly name: LossName;
		/** First of the numbers in `losses` to add to. */
		readonly first: number;
		readonly lossScale: number;
		/** Left out: no gradient. */
		readonly gradientScale?: number;
		/** Adds to the gradient that is there. */
		readonly addsUp?: boolean;
	};
}

/** A layer that has been run forward. */
export interface Passed {
	readonly layer: LayerPlan;
	/** Rows that went in, and how many steps. */
	readonly input: View;
	readonly length: number;
	/** Width of a row that goes in, in vec4. */
	readonly inputQuads: number;
	readonly output: GPUBuffer;
}

export const contiguous = (buffer: GPUBuffer, length: number, quads: number): View => ({
	buffer,
	offset: 0,
	batch: length * quads,
	step: quads
});
const reversed = (view: View, length: number): View => ({
	...view,
	offset: view.offset + (length - 1) * view.step,
	step: -view.step
});
export const reversedIf = (flag: boolean, view: View, length: number) => (flag ? reversed(view, length) : view);
export const viewParams = (name: string, { offset, batch, step }: View, scale = 1) => ({
	[`${name}Offset`]: offset * scale,
	[`${name}Batch`]: batch * scale,
	[`${name}Step`]: step * scale
});
export const tilesOf = (count: number) => Math.ceil(count / tileSide);
/** Workgroups of 256 that cover `count`. */
export const groupsOf = (count: number) => Math.ceil(count / 256);

export const activationOf = (layer: LayerPlan | undefined): Activation =>
	layer?.spec.kind === 'dense' ? (layer.spec.activation ?? 'linear') : 'linear';

export const cellOf = ({ spec }: LayerPlan): Cell | undefined =>
	spec.kind === 'lstm' || spec.kind === 'gru' ? spec.kind : undefined;

/** Whether the direction of a layer reads its input backwards, and puts its output back in the order of time. */
export function directionOf({ spec }: LayerPlan, part: number): { backwards: boolean; flips: boolean } {
	if (spec.kind !== 'lstm' && spec.kind !== 'gru') return { backwards: false, flips: false };
	return { backwards: (spec.goBackwards ?? false) !== (part === 1), flips: part === 1 && spec.returnSequences };
}
