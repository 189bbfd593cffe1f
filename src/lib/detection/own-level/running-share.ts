/**
 * State Detection: how much of the last quarter of an hour a machine has run.
 *
 * In: whether it stands, row by row. Out: a share that forgets; 1 after a gap, of which nothing is known.
 */
const rememberedRows = 900;

export class RunningShare {
	value = 1;

	/** Of every row. */
	notice(stopped: boolean): void {
		this.value += ((stopped ? 0 : 1) - this.value) / rememberedRows;
	}

	reset(): void {
		this.value = 1;
	}
}
