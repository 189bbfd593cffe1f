/**
 * State: a look for anomalies in what was recorded of one machine. In: a span and what channels are held against. Out: progress, findings as
 * events that can be judged, or the problem; ends with the screen.
 */
import {
	isAborted,
	MillwrightError,
	toPlainError,
	type AnomalyEvent,
	type EpochMs,
	type MachineId,
	type PlainError,
	type RecordingMoment,
	type RecordingSearchResult,
	type SearchBasis,
	type SearchProgress
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { session } from '../app/session.svelte';

export class RecordingSearch {
	running = $state(false);
	cancelling = $state(false);
	cancelled = $state(false);
	progress = $state.raw<SearchProgress | undefined>();
	problem = $state.raw<PlainError | undefined>();
	result = $state.raw<RecordingSearchResult | undefined>();
	#job: string | undefined;

	constructor(
		private readonly store: Store,
		private readonly machineId: MachineId
	) {}

	/** `hours` back from the newest reading; undefined: everything stored. */
	async start(hours: number | undefined, basis: SearchBasis): Promise<void> {
		if (this.running) return;
		const job = (this.#job = crypto.randomUUID());
		this.running = true;
		this.cancelling = this.cancelled = false;
		this.progress = this.problem = this.result = undefined;
		try {
			const extent = await this.store.series.extent(this.machineId);
			if (!extent) throw new MillwrightError('not-enough-data', 'Nothing is stored of this machine yet');
			const from = hours === undefined ? extent.from : Math.max(extent.from, extent.to - hours * 3_600_000);
			this.result = await session.diagnosis.searchRecording(
				job,
				{ machineId: this.machineId, from, to: extent.to + 1, basis },
				(progress) => (this.progress = progress)
			);
		} catch (error) {
			if (isAborted(error)) this.cancelled = true;
			else this.problem = toPlainError(error);
		}
		this.running = this.cancelling = false;
	}

	async cancel(): Promise<void> {
		if (!this.running || !this.#job) return;
		this.cancelling = true;
		await session.diagnosis.cancelSearch(this.#job).catch(() => undefined);
	}
}

/** What stood out at one time as what verdicts are given on; found again, it is the same event. */
export function eventOf(
	machineId: MachineId,
	{ start, end, findings }: RecordingMoment
): AnomalyEvent & { readonly end: EpochMs } {
	const [first] = findings;
	const total = findings.reduce((sum, { beyond }) => sum + beyond, 0);
	return {
		id: `${machineId}?${first.sensorName}@${first.start}`,
		machineId,
		start,
		end,
		peakScore: first.beyond,
		contributors: findings.map(({ sensorName, value, lowest, highest, beyond }) => ({
			sensorName,
			share: beyond / total,
			...{ actual: value, expected: (lowest + highest) / 2, band: (highest - lowest) / 2 }
		}))
	};
}
