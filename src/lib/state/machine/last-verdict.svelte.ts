/**
 * State: what was last said of a machine, for as long as nothing new has been said.
 *
 * In: its stored scores and spans. Out: when it was last judged, and the anomaly that stood then. After a reload the first new verdict takes
 * minutes; what was known is not forgotten meanwhile.
 */
import {
	derivedSeries,
	sensorIdOf,
	toPlainError,
	type AnomalySpan,
	type EpochMs,
	type MachineId,
	type PlainError
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';

/** A span that nobody ended is looked for this far back. */
const lookBackMs = 90 * 24 * 3_600_000;

export class LastVerdict {
	/** Undefined: it has never been judged, or that is not read yet. */
	time = $state<EpochMs | undefined>();
	/** The anomaly that was going on then. */
	span = $state.raw<AnomalySpan | undefined>();
	loading = $state(true);
	problem = $state.raw<PlainError | undefined>();

	async read(store: Store, machineId: MachineId): Promise<void> {
		try {
			const score = sensorIdOf(machineId, derivedSeries.score);
			const time = (await store.series.latest([score])).get(score)?.time;
			if (time !== undefined) {
				const spans = await store.spans.list({ machineId, from: time - lookBackMs, to: time });
				this.span = spans.findLast(({ end }) => end === undefined);
				this.time = time;
			}
		} catch (error) {
			this.problem = toPlainError(error);
		} finally {
			this.loading = false;
		}
	}
}
