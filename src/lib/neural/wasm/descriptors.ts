/** Neural: the layer descriptors of the kernels, field for field as in `assembly/recurrent.ts` and `assembly/dense.ts`. */
import type { KernelMemory } from './memory';

const recurrentFields = [
	'kind',
	'inputs',
	'unitBlocks',
	'units',
	'rows',
	'inputStride',
	'outputStride',
	'weights',
	'biasRows',
	'bias',
	'inputWeightsTransposed',
	'recurrentWeightsTransposed',
	'gradients',
	'input',
	'output',
	'cell',
	'record',
	'mask',
	'scratch',
	'projection',
	'projectionSteps',
	'grads',
	'gradBlockStride',
	'outputGradient',
	'stateGradient',
	'cellGradient',
	'inputGradient',
	'recurrentMask',
	'maskedOutput',
	'steps',
	'rowWeights',
	'joined',
	'joinedStride'
] as const;

const denseFields = [
	'inputs',
	'panels',
	'units',
	'activation',
	'inputStride',
	'outputStride',
	'weights',
	'weightsTransposed',
	'gradients',
	'input',
	'output',
	'grads',
	'gradBlockStride',
	'outputGradient',
	'inputGradient'
] as const;

export type RecurrentFields = Partial<Record<(typeof recurrentFields)[number], number>>;
export type DenseFields = Partial<Record<(typeof denseFields)[number], number>>;

export const recurrentBytes = recurrentFields.length * 4;
export const denseBytes = denseFields.length * 4;

const placeOf = (fields: readonly string[]) => new Map(fields.map((name, place) => [name, place]));
const recurrentPlaces = placeOf(recurrentFields);
const densePlaces = placeOf(denseFields);

function write(memory: KernelMemory, at: number, places: Map<string, number>, values: Record<string, number>): void {
	const { integers } = memory;
	for (const name in values) integers[(at >> 2) + places.get(name)!] = values[name]!;
}

/** Sets the fields named; the others stay as they are. */
export function writeRecurrent(memory: KernelMemory, at: number, values: RecurrentFields): void {
	write(memory, at, recurrentPlaces, values as Record<string, number>);
}

export function writeDense(memory: KernelMemory, at: number, values: DenseFields): void {
	write(memory, at, densePlaces, values as Record<string, number>);
}
