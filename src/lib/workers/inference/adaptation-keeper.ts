/**
 * Inference: online adaptation of each machine's threshold and sensor levels, bounded and logged.
 *
 * In: verdicts, the chosen rate of false alarms, how high scores come in normal running, mean residuals. Out: what to judge with, kept in storage
 * with a log of every change. Looked at once a day per machine, and when a person judges an anomaly or chooses another rate.
 */
import {
	adaptationKey,
	conditionOf,
	currentEntry,
	falseAlarmTargetKey,
	falseAlarmsPerWeek,
	isWithin,
	type Adaptation,
	type AdaptationEntry,
	type AnomalyOutcome,
	type AnomalyVerdict,
	type EpochMs,
	type FalseAlarmTarget,
	type MachineId,
	type WatchedRunning
} from '../../contracts';
import {
	adjustThreshold,
	factorBounds,
	readTail,
	type ScoreTail,
	type TailLevel,
	type ThresholdEvidence
} from '../../detection';
import type { Store } from '../../storage/store';

const reviewEveryMs = 24 * 3_600_000;
/** How long a machine has been watched is noted this often, for a person to see. */
const noteEveryMs = 60_000;
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
	private readonly notedAt = new Map<MachineId, EpochMs>();
	private verdictsOf = new Map<MachineId, AnomalyVerdict[]>();

	constructor(
		private readonly store: Store,
		private readonly now: () => EpochMs,
		/** Told when something changed. */
		private readonly onChange: (machineId: MachineId, adaptation: Adaptation) => void,
		/** How high the machine's score has come in normal running; undefined while it is not judged. */
		private readonly tailOf: (machineId: MachineId) => ScoreTail | undefined = () => undefined,
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
			// While it is not judged there is nothing to go by.
			if (!this.tailOf(machineId)) continue;
			const perWeek = falseAlarmsPerWeek(this.target, machineId);
			const asked = this.pending.has(machineId) || perWeek !== adaptation.perWeek;
			const daily = now - adaptation.reviewedAt >= reviewEveryMs;
			if (!asked && !daily && now - (this.notedAt.get(machineId) ?? 0) < noteEveryMs) continue;
			this.pending.delete(machineId);
			this.notedAt.set(machineId, now);
			if (asked || daily) return await this.review(machineId, { ...adaptation, perWeek }, now);
			const { tail } = await this.evidenceOf(machineId, { ...adaptation, perWeek });
			const watched = watchedOf(this.tailOf(machineId), tail);
			if (watched?.hours === adaptation.watched?.hours) continue;
			return await this.keep(machineId, { ...adaptation, watched });
		}
	}

	private async review(machineId: MachineId, before: Adaptation, now: EpochMs): Promise<void> {
		const evidence = await this.evidenceOf(machineId, before);
		const change = adjustThreshold(evidence);
		const daily = now - before.reviewedAt >= reviewEveryMs;
		const levels =
			daily && before.reviewedAt > 0 ? moveLevels(before.residualShift, this.calmResiduals(machineId), now) : [];
		const { thresholdFactor: from, log } = before;
		const entries: AdaptationEntry[] = change
			? [{ at: now, what: 'threshold', from, to: change.factor, why: change.why }, ...levels]
			: levels;
		const after: Adaptation = {
			...before,
			reviewedAt: now,
			watched: watchedOf(this.tailOf(machineId), evidence.tail),
			thresholdFactor: change?.factor ?? from,
			residualShift: {
				...before.residualShift,
				...Object.fromEntries(levels.map(({ sensorName, to }) => [sensorName, to]))
			},
			log: [...log, ...entries].slice(-mostLogged)
		};
		await this.keep(machineId, after);
		if (entries.length > 0) this.onChange(machineId, after);
	}

	private async keep(machineId: MachineId, adaptation: Adaptation): Promise<void> {
		this.known.set(machineId, adaptation);
		await this.store.settings.set(adaptationKey(machineId), adaptation);
	}

	/**
	 * Normal running and what people said of anomalies since it has been watched, over the calibrated threshold. A finding that never became an
	 * alarm is no false alarm, and its score has been counted as normal running while it lasted.
	 */
	private async evidenceOf(machineId: MachineId, adaptation: Adaptation): Promise<ThresholdEvidence> {
		const { modelId, perWeek, thresholdFactor: factor } = adaptation;
		const tail = this.tailOf(machineId);
		const verdicts = (this.verdictsOf.get(machineId) ?? []).filter((verdict) => verdict.modelId === modelId);
		const judged = (outcome: AnomalyOutcome) =>
			verdicts.filter((verdict) => currentEntry(verdict)?.outcome === outcome);
		const falseOnes = judged('false');
		const alarms = falseOnes.length > 0 ? await this.store.alarms.list({ machineId }) : [];
		const conditions = alarms.filter(({ kind }) => kind === 'anomaly').map(conditionOf);
		const falseAlarms = falseOnes.filter((verdict) => conditions.some((condition) => isWithin(verdict, condition)));
		const peaks = (of: readonly AnomalyVerdict[], since = Number.NEGATIVE_INFINITY) =>
			of.filter(({ start }) => start >= since).map(({ peakScore, start }) => peakScore * factorAt(adaptation, start));
		const evidence = tail?.evidence;
		return {
			factor,
			perWeek,
			hoursWatched: tail?.watched?.hours ?? 0,
			tail: evidence && readTail(evidence, peaks(falseAlarms, evidence.since), perWeek),
			falsePeaks: peaks(falseAlarms, tail?.watched?.since),
			truePeaks: peaks(judged('true'))
		};
	}
}

function watchedOf(tail: ScoreTail | undefined, found: TailLevel | undefined): WatchedRunning | undefined {
	const watched = tail?.watched;
	if (!watched) return undefined;
	if (!found) return watched;
	const { level, low, high, peaks } = found;
	return { ...watched, chosenLevel: { level, low, high, peaks } };
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
