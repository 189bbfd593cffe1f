/**
 * State: how far each model version may be trusted, by what people said of its anomalies, and each machine's false alarms against
 * the chosen rate.
 *
 * In: judged events, adaptations. Out: rows for the Models screen. `refresh` is cheap; it runs when events change.
 */
import { adaptationKey, type Adaptation, type EpochMs, type MachineId, type MachineRecord } from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { groupBy } from '../plant/group-by';
import { FalseAlarmSetting } from '../feedback/false-alarm-setting.svelte';
import { FeedbackBook } from '../feedback/feedback.svelte';
import {
	countVerdicts,
	precisionOf,
	realisedRateOf,
	type RealisedRate,
	type Share,
	type VerdictCounts
} from '../feedback/verdict-figures';

export interface VersionTrust {
	readonly modelId: string;
	readonly machines: number;
	readonly counts: VerdictCounts;
	readonly precision: Share | undefined;
}

export interface MachineTrust {
	readonly machineId: MachineId;
	readonly rate: RealisedRate | undefined;
	readonly adaptation: Adaptation;
}

const refreshMs = 10_000;

export class ModelTrust {
	readonly book = new FeedbackBook();
	readonly setting = new FalseAlarmSetting();
	#watched = $state.raw<ReadonlyMap<MachineId, Adaptation>>(new Map());

	/** Versions that anomalies were found with, most anomalies first. */
	readonly versions: readonly VersionTrust[] = $derived.by(() => {
		const byModel = groupBy(
			this.book.events.filter(({ modelId }) => modelId !== undefined),
			({ modelId }) => modelId!
		);
		return [...byModel]
			.map(([modelId, events]): VersionTrust => {
				const counts = countVerdicts(events);
				const machines = new Set(events.map(({ machineId }) => machineId)).size;
				return { modelId, machines, counts, precision: precisionOf(counts) };
			})
			.sort((a, b) => total(b.counts) - total(a.counts));
	});
	/** Machines that are watched; those above their chosen rate first. */
	readonly machines: readonly MachineTrust[] = $derived.by(() => {
		const byMachine = groupBy(this.book.events, ({ machineId }) => machineId);
		return [...this.#watched]
			.map(([machineId, adaptation]): MachineTrust => {
				const events = byMachine.get(machineId) ?? [];
				return { machineId, rate: realisedRateOf(events, adaptation, this.setting.perWeekOf(machineId)), adaptation };
			})
			.sort((a, b) => rank(a.rate) - rank(b.rate) || (b.rate?.perWeek ?? 0) - (a.rate?.perWeek ?? 0));
	});

	attach(store: Store, now: () => EpochMs): () => void {
		let ended = false;
		let timer: ReturnType<typeof setTimeout> | undefined;
		let machines: readonly MachineRecord[] = [];
		const refresh = async () => {
			clearTimeout(timer);
			const adaptations = await Promise.all(
				machines.map(({ id }) => store.settings.get<Adaptation>(adaptationKey(id)))
			).catch(() => []);
			if (ended) return;
			this.#watched = new Map(
				adaptations.flatMap((adaptation, i) => (adaptation ? [[machines[i]!.id, adaptation] as const] : []))
			);
			timer = setTimeout(() => void refresh(), refreshMs);
		};
		const stops = [
			this.book.attach(store, now),
			this.setting.attach(store),
			store.registry.watch((known) => {
				machines = known;
				void refresh();
			})
		];
		return () => {
			ended = true;
			clearTimeout(timer);
			stops.forEach((stop) => stop());
		};
	}
}

function total({ true: right, false: wrong, knownCause, unjudged }: VerdictCounts): number {
	return right + wrong + knownCause + unjudged;
}

function rank(rate: RealisedRate | undefined): number {
	return rate ? { above: 0, unclear: 1, within: 2 }[rate.standing] : 3;
}
