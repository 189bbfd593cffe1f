/**
 * Neural: live scoring of many sequences at once on the fused kernels. In: one row of features per lane named. Out: one row of
 * outputs per lane; the lanes' states (h, c of every recurrent layer) advance and stay in the kernels' memory.
 */
import { MillwrightError } from '../../contracts/error';
import type { NetworkStream } from '../engine';
import type { KernelMemory } from './memory';

interface StatePlace {
	/** [rows][stride], the state before and after the step. */
	readonly before: number;
	readonly after: number;
	/** [blocks][rows][8] */
	readonly cell: number;
}

export interface StreamSource {
	readonly memory: KernelMemory;
	readonly features: number;
	readonly outputs: number;
	readonly maximumRows: number;
	readonly stages: readonly {
		readonly kind: 'lstm' | 'gru' | 'dense';
		readonly units: number;
		readonly stride: number;
	}[];
	/** One step of `rows` lanes: `load` puts inputs and states in place, `store` takes outputs and states out. */
	run(
		rows: number,
		load: (staging: number, places: StatePlace[]) => void,
		store: (staging: number, places: StatePlace[]) => void
	): void;
}

export class FusedStream implements NetworkStream {
	/** Of each recurrent layer [lanes][stride]: hidden states, and for LSTM cell states. */
	readonly #hidden: number[];
	readonly #cells: number[];
	readonly #index: number;
	readonly #named: Uint8Array;
	#open = true;

	constructor(
		readonly source: StreamSource,
		readonly lanes: number
	) {
		if (!Number.isInteger(lanes) || lanes < 1)
			throw new MillwrightError('invalid-input', `A stream needs 1 or more lanes, found ${lanes}.`, { found: lanes });
		const { memory, stages } = source;
		this.#named = new Uint8Array(lanes);
		this.#hidden = stages.map(({ stride }) => memory.keep(lanes * stride));
		this.#cells = stages.map(({ stride, kind }) => (kind === 'lstm' ? memory.keep(lanes * stride) : 0));
		this.#index = memory.keep(source.maximumRows * 4);
	}

	step(inputs: Float32Array, lanes: readonly number[]): Float32Array {
		this.#requireOpen();
		const { features, outputs, maximumRows, memory, stages } = this.source;
		const { kernels } = memory;
		if (inputs.length !== lanes.length * features)
			throw new MillwrightError(
				'invalid-input',
				`Stream step: expected ${lanes.length * features} numbers (${lanes.length} lanes of ${features}), found ${inputs.length}.`,
				{ expected: lanes.length * features, found: inputs.length }
			);
		this.#named.fill(0);
		for (const lane of lanes) {
			this.#requireLane(lane);
			if (this.#named[lane]!++)
				throw new MillwrightError('invalid-input', `Stream step: lane ${lane} is named twice.`, { found: lane });
		}
		const result = new Float32Array(lanes.length * outputs);
		const groups = Math.ceil(lanes.length / maximumRows);
		for (let group = 0; group < groups; group++) {
			const from = Math.floor((lanes.length * group) / groups);
			const to = Math.floor((lanes.length * (group + 1)) / groups);
			const rows = to - from;
			this.source.run(
				rows,
				(staging, places) => {
					memory.view(staging, rows * features).set(inputs.subarray(from * features, to * features));
					const index = memory.integers;
					for (let k = 0; k < rows; k++) index[(this.#index >> 2) + k] = lanes[from + k]!;
					places.forEach(({ before, after, cell }, k) => {
						const { stride, units } = stages[k]!;
						kernels.gatherRows(this.#hidden[k]!, stride, this.#index, rows, before);
						if (!this.#cells[k]) return;
						// The place of the new state serves to bring the cells in.
						kernels.gatherRows(this.#cells[k]!, stride, this.#index, rows, after);
						kernels.toBlocks(after, stride, cell, rows, Math.ceil(units / 8));
					});
				},
				(staging, places) => {
					places.forEach(({ before, after, cell }, k) => {
						const { stride, units } = stages[k]!;
						kernels.scatterRows(after, stride, this.#index, rows, this.#hidden[k]!);
						if (!this.#cells[k]) return;
						kernels.fromBlocks(cell, before, stride, rows, Math.ceil(units / 8));
						kernels.scatterRows(before, stride, this.#index, rows, this.#cells[k]!);
					});
					result.set(memory.view(staging, rows * outputs), from * outputs);
				}
			);
		}
		return result;
	}

	reset(lane: number): void {
		this.restoreState(lane, new Float32Array(this.#stateLength()));
	}

	saveState(lane: number): Float32Array {
		const state = new Float32Array(this.#stateLength());
		this.#eachPart(lane, (part, at) => state.set(part, at));
		return state;
	}

	restoreState(lane: number, state: Float32Array): void {
		const length = this.#stateLength();
		if (state.length !== length)
			throw new MillwrightError('invalid-input', `Stream state: expected ${length} numbers, found ${state.length}.`, {
				expected: length,
				found: state.length
			});
		this.#eachPart(lane, (part, at) => part.set(state.subarray(at, at + part.length)));
	}

	dispose(): void {
		if (!this.#open) return;
		this.#open = false;
		const { memory, stages, maximumRows } = this.source;
		stages.forEach(({ stride }, k) => {
			memory.release(this.#hidden[k]!, this.lanes * stride);
			if (this.#cells[k]) memory.release(this.#cells[k]!, this.lanes * stride);
		});
		memory.release(this.#index, maximumRows * 4);
	}

	#stateLength(): number {
		return this.source.stages.reduce((sum, { units, kind }) => sum + units * (kind === 'lstm' ? 2 : 1), 0);
	}

	#eachPart(lane: number, visit: (part: Float32Array, at: number) => void): void {
		this.#requireOpen();
		this.#requireLane(lane);
		let at = 0;
		this.source.stages.forEach(({ units, stride }, k) => {
			for (const start of [this.#hidden[k]!, this.#cells[k]!]) {
				if (!start) continue;
				visit(this.source.memory.view(start + lane * stride, units), at);
				at += units;
			}
		});
	}

	#requireOpen(): void {
		if (!this.#open) throw new MillwrightError('invalid-input', 'This stream is closed.');
	}

	#requireLane(lane: number): void {
		if (!Number.isInteger(lane) || lane < 0 || lane >= this.lanes)
			throw new MillwrightError('invalid-input', `Stream lane: expected 0 to ${this.lanes - 1}, found ${lane}.`, {
				found: lane
			});
	}
}
