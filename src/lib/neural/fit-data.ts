/**
 * Neural: checks of what a caller gives to fit and predict, and the gathering of rows into batches.
 * In: flat float32 arrays. Out: the rows asked for, or `invalid-input` naming what was expected and found.
 */
import { MillwrightError } from '../contracts/error';
import type { FitData } from './engine';
import type { Chunk } from './executor';
import { outputSteps, type NetworkPlan } from './network-spec';

/** Numbers per row of the input and of the target, and the target's shape without rows. */
export interface RowSizes {
	readonly input: number;
	readonly target: number;
	readonly targetShape: readonly number[];
}

export function rowSizes(plan: NetworkPlan, steps: number): RowSizes {
	const targetShape = plan.sequenceOut ? [outputSteps(plan, steps), plan.outputWidth] : [plan.outputWidth];
	return { input: steps * plan.spec.features, target: targetShape.reduce((a, b) => a * b, 1), targetShape };
}

/** Throws `invalid-input` when lengths do not fit the network or a value is not finite. */
export function checkFitData(plan: NetworkPlan, data: FitData, what: string): void {
	checkInputs(plan, data.inputs, data.count, data.steps, what);
	const { target } = rowSizes(plan, data.steps);
	requireLength(data.targets, data.count * target, `${what} targets`);
	requireFinite(data.targets, target, `${what} targets`);
}

export function checkInputs(plan: NetworkPlan, inputs: Float32Array, count: number, steps: number, what: string): void {
	for (const [name, value] of [
		['count', count],
		['steps', steps]
	] as const)
		if (!Number.isInteger(value) || value < 1)
			throw new MillwrightError('invalid-input', `${what}: expected ${name} of 1 or more, found ${value}.`, {
				what,
				found: value
			});
	requireLength(inputs, count * steps * plan.spec.features, `${what} inputs`);
	requireFinite(inputs, steps * plan.spec.features, `${what} inputs`);
}

function requireLength(values: Float32Array, expected: number, what: string): void {
	if (values.length !== expected)
		throw new MillwrightError('invalid-input', `${what}: expected ${expected} numbers, found ${values.length}.`, {
			what,
			expected,
			found: values.length
		});
}

function requireFinite(values: Float32Array, perRow: number, what: string): void {
	for (let k = 0; k < values.length; k++)
		if (!Number.isFinite(values[k]))
			throw new MillwrightError(
				'invalid-input',
				`${what}: row ${Math.floor(k / perRow)}, element ${k % perRow} is not finite (found ${values[k]}).`,
				{ what, row: Math.floor(k / perRow), element: k % perRow, found: String(values[k]) }
			);
}

/** Rows `order[from..to)` of the data. */
export function gatherChunk(
	plan: NetworkPlan,
	data: FitData,
	order: Uint32Array | undefined,
	from: number,
	to: number
): Chunk {
	const sizes = rowSizes(plan, data.steps);
	return {
		inputs: pickRows(data.inputs, sizes.input, order, from, to),
		targets: pickRows(data.targets, sizes.target, order, from, to),
		rows: to - from,
		steps: data.steps
	};
}

export function pickRows(
	values: Float32Array,
	perRow: number,
	order: Uint32Array | undefined,
	from: number,
	to: number
): Float32Array {
	if (!order) return values.slice(from * perRow, to * perRow);
	const picked = new Float32Array((to - from) * perRow);
	copyRowsInto(picked, values, perRow, order, from, to);
	return picked;
}

/** Rows `order[from..to)` one after the other into `place`. */
export function copyRowsInto(
	place: Float32Array,
	values: Float32Array,
	perRow: number,
	order: Uint32Array,
	from: number,
	to: number
): void {
	for (let k = from; k < to; k++) {
		const row = order[k]!;
		place.set(values.subarray(row * perRow, (row + 1) * perRow), (k - from) * perRow);
	}
}
