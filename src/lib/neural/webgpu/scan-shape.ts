/**
 * Neural, WebGPU: how a scan over the steps of a recurrent layer is divided into workgroups and invocations. In: the layer's
 * width, the rows, and what the device allows. Out: a `ScanShape`.
 */
import type { Cell } from './cells';

export interface ScanShape {
	readonly cell: Cell;
	/** Units, a multiple of 4. */
	readonly units: number;
	/** Rows of the batch in a workgroup: 1, 2 or 4. */
	readonly lanes: number;
	/** Units of one invocation; 1 where `split` is more than 1. */
	readonly perThread: number;
	/** Invocations that share a unit, each with a part of its recurrent weights. */
	readonly split: number;
	/** Weights (vec4) of a part that stay in registers; a multiple of 4. */
	readonly held: number;
	/** What a step reads from memory is asked for a step ahead. On a CPU that brings nothing and has twice as much compiled. */
	readonly ahead: boolean;
	/** Weights (vec4) that are read at once; a multiple of 4. */
	readonly unroll: number;
	/** The registered kernels: states are given, and come out. */
	readonly stateful?: boolean;
	/** Some steps are padding. */
	readonly masked?: boolean;
	/** h is multiplied by a recurrent mask before the product. */
	readonly dropped?: boolean;
}

/** What matters of a device. */
export interface DeviceTraits {
	/** A CPU that plays a GPU. */
	readonly software: boolean;
	/** Invocations in a workgroup: 256 on every adapter. */
	readonly invocations: number;
	/** An invocation has registers to spare for weights. */
	readonly holdsWeights: boolean;
}

export function traitsOf({ limits, adapterInfo }: GPUDevice): DeviceTraits {
	return {
		software: adapterInfo.architecture === 'swiftshader',
		invocations: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
		// Measured there alone: elsewhere 128 numbers might not fit into registers, which would cost more than it brings.
		holdsWeights: adapterInfo.vendor === 'nvidia'
	};
}

/** Workgroup memory that every adapter has. */
export const workgroupBytes = 16384;

/** Most units for which dz of one row fits into workgroup memory. */
export const mostUnits = 1024;

/** Most weights (vec4) that an invocation keeps in registers. */
export const mostHeld = 32;

/** Weights (vec4) that an invocation multiplies. */
export const partOf = ({ units, split }: Pick<ScanShape, 'units' | 'split'>) => Math.ceil(units / 4 / split) * 4;

export const threadsOf = ({ units, perThread, split }: ScanShape) => Math.ceil(units / perThread) * split;

/**
 * How a scan over `rows` is divided. A GPU gains by many small workgroups, and by many invocations in each, since all of them
 * wait for the weights; a CPU that plays one by few invocations that use each number they read several times.
 */
export function scanShape(cell: Cell, units: number, rows: number, traits: DeviceTraits): ScanShape {
	const { software, invocations, holdsWeights } = traits;
	if (software) {
		const perThread = Math.max(Math.ceil(units / invocations), 4);
		const lanes = [4, 2, 1].find(
			(count) => count <= rows && count * perThread <= 16 && count * units * 16 <= workgroupBytes
		);
		return { cell, units, lanes: lanes ?? 1, perThread, split: 1, held: 0, unroll: 4, ahead: false };
	}
	const perThread = Math.ceil(units / invocations);
	// 128 workgroups keep most adapters busy; beyond that, rows that share a workgroup share its reads of the weights.
	const wide = units > 64;
	const wantedLanes = rows >= 1024 && wide ? 4 : rows >= (wide ? 256 : 512) ? 2 : 1;
	const fits = (lanes: number, split: number) =>
		units * split <= invocations && lanes * split * units * 16 <= workgroupBytes;
	const lanes = [wantedLanes, 2, 1].find((count) => count <= wantedLanes && fits(count, 1)) ?? 1;
	// A row to itself: as many invocations as let each hold all its weights. Else two, which also carry a row each.
	const wantedSplit = lanes === 1 ? Math.ceil(units / mostHeld) : 2;
	const split = [4, 2].find((count) => count <= wantedSplit && fits(lanes, count)) ?? 1;
	const registers = lanes === 1 || (lanes === 2 && wide) ? mostHeld : mostHeld / lanes;
	const held = holdsWeights && perThread === 1 ? Math.min(registers, partOf({ units, split })) : 0;
	return { cell, units, lanes, perThread, split, held, unroll: 8, ahead: true };
}
