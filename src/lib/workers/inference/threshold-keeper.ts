/**
 * Inference: online adaptation of each machine's threshold, bounded and logged.
 *
 * In: verdicts, the chosen rate of false alarms, stored scores. Out: the factor to judge with, kept in storage with a log of every
 * change. Looked at once a day per machine, and when a person judges an anomaly or chooses another rate.
 */
import {
	adaptationKey,
	currentEntry,
	derivedSeries,
	falseAlarmTargetKey,
	falseAlarmsPerWeek,
	sensorIdOf,
	type Adaptation,
	type AnomalyVerdict,
	type EpochMs,
	type FalseAlarmTarget,
	type MachineId
} from '../../contracts';
import { adjustThreshold, factorBounds } from '../../detection';
import type { Store } from '../../storage/store';
import { hoursScored, recordKey, type ScoringRecord } from './scored-intervals';

const reviewEveryMs = 24 * 3_600_000;
const hourMs = 3_600_000;
/** Scores this far back are evidence. */
const evidenceMs = 28 * 24 * hourMs;
const mostLogged = 50;

export function newAdaptation(modelId: string, perWeek: number): Adaptation {
	return { modelId, thresholdFactor: 1, residualShift: {}, perWeek, reviewedAt: 0, log: [] };
}

export class ThresholdKeeper {
	private readonly known = new Map<MachineId, Adaptation>();
	private readonly pending = new Set<MachineId>();
	private target: FalseAlarmTarget | undefined;
	private verdictsOf = new Map<MachineId, AnomalyVerdict[]>();

	constructor(
		private readonly store: Store,
		private readonly now: () => EpochMs,
		/** Told when a factor changed. */
		private readonly onChange: (machineId: MachineId, factor: number) => void
	) {}

	/** Follows verdicts and the chosen rate; returns what ends it. */
	follow(): () => void {
		let said = new Map<MachineId, string>();
		const stops = [
			this.store.verdicts.watch({}, (verdicts) => {
				const lists = new Map<MachineId, AnomalyVerdict[]>();
				for (const verdict of verdicts) {
					const list = lists.get(verdict.machineId);
					if (list) list.push(verdict);
					else lists.set(verdict.machineId, [verdict]);
				}
				const now = new Map([...lists].map(([id, list]) => [id, list.map(({ entries }) => entries.length).join()]));
				// What was said before this worker began has been taken into account already.
				if (this.followed) for (const [id, text] of now) if (said.get(id) !== text) this.pending.add(id);
				this.followed = true;
				said = now;
				this.verdictsOf = lists;
			}),
			this.store.settings.watch<FalseAlarmTarget>(falseAlarmTargetKey, (target) => (this.target = target))
		];
		return () => stops.forEach((stop) => stop());
	}
	private followed = false;

	/** The factor of a machine that is judged by `modelId`; another model starts from 1. */
	async factorOf(machineId: MachineId, modelId: string): Promise<number> {
		let adaptation = this.known.get(machineId) ?? (await this.store.settings.get<Adaptation>(adaptationKey(machineId)));
		if (adaptation?.modelId !== modelId)
			adaptation = newAdaptation(modelId, falseAlarmsPerWeek(this.target, machineId));
		this.known.set(machineId, adaptation);
		const [low, high] = factorBounds;
		return Math.min(high, Math.max(low, adaptation.thresholdFactor));
	}

	/** Reviews one machine that is due, if there is one. Rejects when storage does. */
	async reviewNext(): Promise<void> {
		const now = this.now();
		for (const [machineId, adaptation] of this.known) {
			const perWeek = falseAlarmsPerWeek(this.target, machineId);
			const asked = this.pending.has(machineId) || perWeek !== adaptation.perWeek;
			if (!asked && now - adaptation.reviewedAt < reviewEveryMs) continue;
			this.pending.delete(machineId);
			await this.review(machineId, adaptation, perWeek, now);
			return;
		}
	}

	private async review(machineId: MachineId, before: Adaptation, perWeek: number, now: EpochMs): Promise<void> {
		const verdicts = (this.verdictsOf.get(machineId) ?? []).filter(({ modelId }) => modelId === before.modelId);
		const peaks = (outcome: string) =>
			verdicts
				.filter((verdict) => currentEntry(verdict)?.outcome === outcome)
				.map(({ peakScore, start }) => peakScore * factorAt(before, start));
		const { hoursWatched, hourlyPeaks } = await this.normalRunning(machineId, before, now);
		const change = adjustThreshold({
			factor: before.thresholdFactor,
			perWeek,
			hoursWatched,
			hourlyPeaks,
			falsePeaks: peaks('false'),
			truePeaks: peaks('true')
		});
		const { thresholdFactor: from, log } = before;
		const after: Adaptation = {
			...before,
			perWeek,
			reviewedAt: now,
			...(change && {
				thresholdFactor: change.factor,
				log: [...log, { at: now, what: 'threshold' as const, from, to: change.factor, why: change.why }].slice(
					-mostLogged
				)
			})
		};
		this.known.set(machineId, after);
		await this.store.settings.set(adaptationKey(machineId), after);
		if (change) this.onChange(machineId, change.factor);
	}

	/** Largest score of each whole hour outside of anomalies, over the calibrated threshold. */
	private async normalRunning(machineId: MachineId, adaptation: Adaptation, now: EpochMs) {
		const from = now - evidenceMs;
		const [record, spans, [scores]] = await Promise.all([
			this.store.settings.get<ScoringRecord>(recordKey(machineId)),
			this.store.spans.list({ machineId, from, to: now }),
			this.store.series.query({
				sensorIds: [sensorIdOf(machineId, derivedSeries.score)],
				from,
				to: now,
				maxPoints: evidenceMs / hourMs
			})
		]);
		const hourlyPeaks: number[] = [];
		scores?.times.forEach((time, i) => {
			const anomalous = spans.some(({ start, end = now }) => start < time + hourMs && end > time);
			const peak = scores.max[i]! * factorAt(adaptation, time);
			if (!anomalous && Number.isFinite(peak)) hourlyPeaks.push(peak);
		});
		// Finer than hours where little is stored: then there are no hourly maxima to speak of.
		const hourly =
			scores !== undefined && scores.tier !== 'raw' && (scores.times[1] ?? 0) - (scores.times[0] ?? 0) >= hourMs;
		return { hoursWatched: hoursScored(record), hourlyPeaks: hourly ? hourlyPeaks : [] };
	}
}

/** Factor that stored scores of a time were judged with. */
function factorAt({ log, thresholdFactor }: Adaptation, time: EpochMs): number {
	const changes = log.filter(({ what }) => what === 'threshold');
	const next = changes.find(({ at }) => at > time);
	return next ? next.from : thresholdFactor;
}
