/**
 * State Detection: the newest rows of each machine, for models that look at windows.
 *
 * In: one scaled row per machine and step. Out: whole windows, oldest row first, each time enough new rows have come.
 */
import type { MachineId } from '../../contracts';

interface History {
	readonly rows: Float32Array;
	seen: number;
	sinceTaken: number;
}

export class WindowHistory {
	private readonly histories = new Map<MachineId, History>();

	constructor(
		private readonly steps: number,
		private readonly features: number,
		private readonly hop: number
	) {}

	/** Adds a row; true when the machine's window is full and `hop` rows are new in it. */
	add(machineId: MachineId, row: ArrayLike<number>): boolean {
		let history = this.histories.get(machineId);
		if (!history)
			this.histories.set(
				machineId,
				(history = { rows: new Float32Array(this.steps * this.features), seen: 0, sinceTaken: 0 })
			);
		history.rows.set(row, (history.seen % this.steps) * this.features);
		history.seen++;
		history.sinceTaken++;
		return history.seen >= this.steps && history.sinceTaken >= this.hop;
	}

	/** Writes the machine's window into `out` from `offset` and counts its rows as seen. */
	take(machineId: MachineId, out: Float32Array, offset: number): void {
		const history = this.histories.get(machineId)!;
		const split = (history.seen % this.steps) * this.features;
		out.set(history.rows.subarray(split), offset);
		out.set(history.rows.subarray(0, split), offset + history.rows.length - split);
		history.sinceTaken = 0;
	}

	forget(machineId: MachineId): void {
		this.histories.delete(machineId);
	}
}
