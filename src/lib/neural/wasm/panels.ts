/**
 * Neural: where each weight of a Keras layer lies in the packed panels of the kernels ([panel][rows][8], see
 * `assembly/recurrent.ts`). In: a layer's sizes. Out: its panels, and for every Keras weight its place, in Keras order.
 */
export interface PanelLayout {
	readonly kind: 'lstm' | 'gru' | 'dense';
	readonly inputs: number;
	readonly units: number;
	readonly panels: number;
	/** Rows of a panel: bias rows, inputs, and for recurrent layers units. */
	readonly panelRows: number;
	readonly biasRows: number;
	/** Floats in all panels. */
	readonly size: number;
	/** places[k] is where number k of kernel, recurrent kernel and bias (concatenated) lies. */
	readonly places: Int32Array;
}

/** Panel of a Keras gate, for what multiplies the input and what multiplies the state. */
const slots = {
	lstm: { input: [0, 1, 2, 3], state: [0, 1, 2, 3] },
	gru: { input: [0, 1, 2], state: [0, 1, 3] }
} as const;

export function layOutPanels(kind: PanelLayout['kind'], inputs: number, units: number): PanelLayout {
	const blocks = Math.ceil(units / 8);
	const recurrent = kind !== 'dense';
	const panels = recurrent ? blocks * 4 : blocks;
	const biasRows = kind === 'gru' ? 2 : 1;
	const panelRows = biasRows + inputs + (recurrent ? units : 0);
	const places: number[] = [];
	const add = (row: number, slot: number, unit: number) => {
		const panel = recurrent ? (unit >> 3) * 4 + slot : unit >> 3;
		places.push((panel * panelRows + row) * 8 + (unit & 7));
	};
	const addRow = (row: number, order: readonly number[]) => {
		for (const slot of order) for (let unit = 0; unit < units; unit++) add(row, slot, unit);
	};
	const order = recurrent ? slots[kind] : { input: [0], state: [0] };
	for (let input = 0; input < inputs; input++) addRow(biasRows + input, order.input);
	if (recurrent) for (let unit = 0; unit < units; unit++) addRow(biasRows + inputs + unit, order.state);
	addRow(0, order.input);
	if (kind === 'gru') addRow(1, order.state);
	return {
		kind,
		inputs,
		units,
		panels,
		panelRows,
		biasRows,
		size: panels * panelRows * 8,
		places: Int32Array.from(places)
	};
}

/** Puts Keras weights (kernel, recurrent kernel, bias, concatenated) into panels. Padding stays as it is: zero. */
export function packWeights(layout: PanelLayout, weights: ArrayLike<number>, panels: Float32Array): void {
	const { places } = layout;
	for (let k = 0; k < places.length; k++) panels[places[k]!] = weights[k]!;
}

export function unpackWeights(layout: PanelLayout, panels: Float32Array, weights: Float32Array): void {
	const { places } = layout;
	for (let k = 0; k < places.length; k++) weights[k] = panels[places[k]!]!;
}
