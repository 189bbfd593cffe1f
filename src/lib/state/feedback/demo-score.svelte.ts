/**
 * State: the scored demo, always computed from what is stored now.
 *
 * In: the simulator's ground truth (settings key `demo-ground-truth`), alarms, flagged stretches and stored scores. Out: a
 * `DemoScore`. Nothing here knows how the detectors work.
 */
import {
	derivedSeries,
	sensorIdOf,
	toPlainError,
	type EpochMs,
	type FaultTruth,
	type MachineRecord,
	type PlainError
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { scoreDetection, type DemoScore, type WatchedSpan } from './fault-score';

export const groundTruthKey = 'demo-ground-truth';

export class DemoScoreBoard {
	score = $state.raw<DemoScore | undefined>(undefined);
	computedAt = $state<EpochMs | undefined>(undefined);
	loading = $state(true);
	problem = $state.raw<PlainError | undefined>(undefined);

	/** Computes now and every few seconds; returns what ends it. */
	attach(store: Store, now: () => EpochMs, everyMs = 3_000): () => void {
		let ended = false;
		let timer: ReturnType<typeof setTimeout> | undefined;
		const turn = async () => {
			try {
				const score = await compute(store, now());
				if (ended) return;
				this.score = score;
				this.computedAt = now();
				this.problem = undefined;
			} catch (error) {
				if (!ended) this.problem = toPlainError(error);
			}
			this.loading = false;
			if (!ended) timer = setTimeout(() => void turn(), everyMs);
		};
		void turn();
		return () => {
			ended = true;
			clearTimeout(timer);
		};
	}
}

async function compute(store: Store, now: EpochMs): Promise<DemoScore | undefined> {
	const truths = await store.settings.get<FaultTruth[]>(groundTruthKey);
	if (!truths) return undefined;
	const [alarms, spans, machines] = await Promise.all([
		store.alarms.list({ from: 0, to: now }),
		store.spans.list({ from: 0, to: now }),
		store.registry.machines()
	]);
	const watched = await watchedSpans(store, machines, now);
	return scoreDetection({ truths, alarms, spans, watched, now });
}

/** First and last stored score of each machine: only time that was scored can hold a false alarm. */
async function watchedSpans(store: Store, machines: readonly MachineRecord[], now: EpochMs): Promise<WatchedSpan[]> {
	const idOf = (machine: MachineRecord) => sensorIdOf(machine.id, derivedSeries.score);
	const extents = await Promise.all(machines.map((machine) => store.series.extent(machine.id)));
	const from = Math.min(now, ...extents.map((extent) => extent?.from ?? now));
	const slices = await store.series.query({ sensorIds: machines.map(idOf), from, to: now, maxPoints: 240 });
	const bySensor = new Map(slices.map((slice) => [slice.sensorId, slice]));
	return machines.flatMap((machine) => {
		const times = bySensor.get(idOf(machine))?.times;
		const first = times?.[0];
		const last = times?.at(-1);
		return first === undefined || last === undefined ? [] : [{ machineId: machine.id, from: first, to: last }];
	});
}
