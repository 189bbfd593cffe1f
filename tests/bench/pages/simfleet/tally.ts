/**
 * Windows of a minute of simulated machines. In: a machine's hour, its truth, and what each detector said row by row. Out: labelled windows by detector, the same
 * for all: one that any of them has no score for is left out.
 */
import type { FaultTruth, JudgingBasis } from '$lib/contracts';
import { isStopped } from '$lib/detection';
import type { AlignedRow } from '$lib/manipulation';
import type { Verdict } from '$lib/pipeline';
import type { SimulatedRun } from '../../../../models/simulated-rows';
import type { BesideOutcome, Windows } from './protocol';

export const windowRows = 60;

/** The hour that is judged. */
export interface Judged {
	readonly run: SimulatedRun;
	readonly verdicts: readonly Verdict[];
	/** Other detectors' verdicts on the same rows. */
	readonly beside?: ReadonlyMap<string, readonly Verdict[]>;
	readonly basis: JudgingBasis;
}

class Columns {
	readonly flagged: (0 | 1)[] = [];
	readonly scores: number[] = [];
	falseAlarms = 0;
	faultsFound = 0;
}

export class Tally {
	private readonly labels: (0 | 1)[] = [];
	private readonly sigmas: number[] = [];
	private readonly main = new Columns();
	private readonly others = new Map<string, Columns>();
	private unscored = 0;

	cut({ run: { rows, truth }, verdicts, beside, basis }: Judged): void {
		const all = [[this.main, verdicts] as const];
		for (const [name, own] of beside ?? []) all.push([this.besideOf(name), own]);
		for (const [columns, own] of all.slice(1)) if (alarmOf(own, truth)) columns.faultsFound++;
		for (let end = windowRows; end <= rows.length; end += windowRows) {
			const label = labelOf(truth, rows[end - windowRows]!.time, rows[end - 1]!.time);
			if (label === undefined) continue;
			const parts = all.map(([columns, own]) => {
				const part = own.slice(end - windowRows, end);
				const scores = part.map(({ detected }) => detected.score).filter((score) => !Number.isNaN(score));
				return { columns, part, scores };
			});
			if (parts.some(({ scores }) => scores.length < windowRows / 2)) {
				this.unscored++;
				continue;
			}
			this.labels.push(label);
			this.sigmas.push(sigmaOf(basis, rows.slice(end - windowRows, end)));
			for (const { columns, part, scores } of parts) {
				columns.flagged.push(part.some(({ report }) => report.anomalous) ? 1 : 0);
				columns.scores.push(Math.max(...scores));
			}
		}
	}

	/** Of a healthy machine. */
	countFalse(name: string, verdict: Verdict): void {
		if (verdict.alarmChange?.kind === 'raise') this.besideOf(name).falseAlarms++;
	}

	get windows(): Windows {
		return this.windowsOf(this.main);
	}

	get beside(): Record<string, BesideOutcome> {
		return Object.fromEntries(
			[...this.others].map(([name, columns]) => {
				const { falseAlarms, faultsFound } = columns;
				return [name, { windows: this.windowsOf(columns), falseAlarms, faultsFound }];
			})
		);
	}

	private windowsOf({ flagged, scores }: Columns): Windows {
		return { labels: this.labels, flagged, scores, sigmas: this.sigmas, unscored: this.unscored };
	}

	private besideOf(name: string): Columns {
		const columns = this.others.get(name) ?? new Columns();
		this.others.set(name, columns);
		return columns;
	}
}

/** The alarm that a fault raised, between its onset and the event. */
export function alarmOf(verdicts: readonly Verdict[], truth: FaultTruth | undefined): Verdict | undefined {
	if (!truth) return undefined;
	return verdicts.find(
		({ alarmChange, report }) =>
			alarmChange?.kind === 'raise' && report.time >= truth.onset && report.time <= truth.timeOfEvent
	);
}

/** 1: a fault that could be told, all through; 0: none; undefined: it is too small yet, or the machine has failed. */
function labelOf(truth: FaultTruth | undefined, from: number, to: number): 0 | 1 | undefined {
	if (!truth || truth.fault === 'link-dropout' || to < truth.onset) return 0;
	return from >= truth.detectableFrom && to <= truth.timeOfEvent ? 1 : undefined;
}

/** Largest distance of a sensor's window mean from the training mean, in its deviations; 0 while stopped. */
function sigmaOf({ scaler, calibration }: JudgingBasis, rows: readonly AlignedRow[]): number {
	const running = rows.filter(({ values }) => !isStopped(calibration.stoppedBelow, values));
	let most = 0;
	scaler.mean.forEach((mean, i) => {
		const values = running.map((row) => row.values[i]!).filter((value) => !Number.isNaN(value));
		if (values.length === 0) return;
		const level = values.reduce((sum, value) => sum + value, 0) / values.length;
		most = Math.max(most, Math.abs(level - mean) / scaler.deviation[i]!);
	});
	return most;
}

/** Times that the floor would have begun to alarm. */
export function sigmaAlarms(basis: JudgingBasis, rows: readonly AlignedRow[]): number {
	let alarms = 0;
	let before = false;
	for (let end = windowRows; end <= rows.length; end += windowRows) {
		const above = sigmaOf(basis, rows.slice(end - windowRows, end)) > 3;
		if (above && !before) alarms++;
		before = above;
	}
	return alarms;
}
