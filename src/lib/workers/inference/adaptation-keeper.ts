/**
 * Inference: online adaptation of each machine's threshold and sensor levels, bounded and logged.
 *
 * In: verdicts, the chosen rate of false alarms, stored scores, mean residuals. Out: what to judge with, kept in storage with a log of
 * every change. Looked at once a day per machine, and when a person judges an anomaly or chooses another rate.
 */
import {
	adaptationKey,
	currentEntry,
	derivedSeries,
	falseAlarmTargetKey,
	falseAlarmsPerWeek,
	sensorIdOf,
	type Adaptation,
	type AdaptationEntry,
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

/** Levels move by at most this a day, and this in all, in half-widths of the normal band; smaller movements are left. */
const levelStep = 0.05;
const largestLevel = 0.3;
const leastLevel = 0.1;

export class AdaptationKeeper {
	private readonly known = new Map<MachineId, Adaptation>();
	private readonly pending = new Set<MachineId>();
	private target: FalseAlarmTarget | undefined;
	private verdictsOf = new Map<MachineId, AnomalyVerdict[]>();

	constructor(
		private readonly store: Store,
		private readonly now: () => EpochMs,
		/** Told when something changed. */
		private readonly onChange: (machineId: MachineId, adaptation: Adaptation) => void,
		/** Mean residual of each sensor lately, in half-widths of its band; undefined while something drifts or is not known. */
		private readonly calmResiduals: (machineId: MachineId) => ReadonlyMap<string, number> | undefined = () => undefined
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

	/** What a machine that is judged by `modelId` is judged with; another model starts from nothing moved. */
	async adaptationOf(machineId: MachineId, modelId: string): Promise<Adaptation> {
		let adaptation = this.known.get(machineId) ?? (await this.store.settings.get<Adaptation>(adaptationKey(machineId)));
		if (adaptation?.modelId !== modelId)
			adaptation = newAdaptation(modelId, falseAlarmsPerWeek(this.target, machineId));
		this.known.set(machineId, adaptation);
		const [low, high] = factorBounds;
		return { ...adaptation, thresholdFactor: Math.min(high, Math.max(low, adaptation.thresholdFactor)) };
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
		const daily = now - before.reviewedAt >= reviewEveryMs;
		const levels =
			daily && before.reviewedAt > 0 ? moveLevels(before.residualShift, this.calmResiduals(machineId), now) : [];
		const { thresholdFactor: from, log } = before;
		const entries: AdaptationEntry[] = change
			? [{ at: now, what: 'threshold', from, to: change.factor, why: change.why }, ...levels]
			: levels;
		const after: Adaptation = {
			...before,
			perWeek,
			reviewedAt: now,
			thresholdFactor: change?.factor ?? from,
			residualShift: {
				...before.residualShift,
				...Object.fromEntries(levels.map(({ sensorName, to }) => [sensorName, to]))
			},
			log: [...log, ...entries].slice(-mostLogged)
		};
		this.known.set(machineId, after);
		await this.store.settings.set(adaptationKey(machineId), after);
		if (entries.length > 0) this.onChange(machineId, after);
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

/** One day's movement of each sensor's level towards where calm running has it. */
function moveLevels(
	shifts: Adaptation['residualShift'],
	residuals: ReadonlyMap<string, number> | undefined,
	at: EpochMs
): AdaptationEntry[] {
	return [...(residuals ?? [])].flatMap(([sensorName, residual]): AdaptationEntry[] => {
		const from = shifts[sensorName] ?? 0;
		const step = Math.max(-levelStep, Math.min(levelStep, residual));
		const to = Math.round(Math.max(-largestLevel, Math.min(largestLevel, from + step)) * 1000) / 1000;
		if (Math.abs(residual) < leastLevel || to === from) return [];
		const why = `Calm running lies ${residual.toFixed(2)} of the normal band's half-width beside what the model expects; at most ${levelStep} a day and ${largestLevel} in all are followed.`;
		return [{ at, what: 'scaler', sensorName, from, to, why }];
	});
}

/** Factor that stored scores of a time were judged with. */
function factorAt({ log, thresholdFactor }: Adaptation, time: EpochMs): number {
	const changes = log.filter(({ what }) => what === 'threshold');
	const next = changes.find(({ at }) => at > time);
	return next ? next.from : thresholdFactor;
}
