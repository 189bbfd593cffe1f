/**
 * State Detection: a machine against its own level so far.
 *
 * In: one machine's standardised residuals (or scaled values), free of spikes, row by row. Out: how far each sensor stands from where this machine has stood, over
 * its threshold. Machines of a class differ by more than a beginning fault changes one of them; in this difference that cancels.
 */
import type { OwnLevelCalibration, OwnLevelStatistic } from '../../contracts';
import { dot, invert, multiply } from '../ensemble/symmetric-matrix';
import { combine, defaultPower } from '../residuals/residual-tracker';
import { SensorRelationTerms, relate } from './sensor-relations';

/** The level is noted this often; the oldest note is the level that counts. */
const noteEvery = 30;

/** A machine that stood for more of the last quarter of an hour than the rest is colder than running shows: its own level is not judged. */
export const leastRunning = 0.7;

/** Rows after which a level is known well enough that its uncertainty no longer counts beside a smoothed deviation's own. */
const knownRows = 200;

export type OwnLevelPlan = Pick<OwnLevelCalibration, 'levelRows' | 'delayRows' | 'warmUpRows' | 'relations'>;

/** Level of each sensor so far, in standardised residuals, and the rows that it rests on. */
export interface OwnLevel {
	readonly level: Float64Array;
	readonly rows: number;
}

/** Levels of the residuals and of the values of one machine, where its model watches them. */
export interface OwnLevels {
	readonly residuals?: OwnLevel | undefined;
	readonly values?: OwnLevel | undefined;
}

export class OwnLevelTracker {
	/** [statistics][sensors]: smoothed residual minus the level. */
	readonly deviations: readonly Float64Array[];
	private readonly smoothed: readonly Float64Array[];
	private readonly level: Float64Array;
	private readonly left: Float64Array;
	private readonly terms: SensorRelationTerms | undefined;
	private readonly notes: OwnLevel[] = [];
	private rows = 0;
	private levelRows = 0;

	constructor(
		private readonly plan: OwnLevelPlan,
		private readonly smoothings: readonly number[],
		sensors: number
	) {
		this.level = new Float64Array(sensors);
		this.left = new Float64Array(sensors);
		this.terms = plan.relations && new SensorRelationTerms(sensors, plan.relations);
		this.deviations = smoothings.map(() => new Float64Array(sensors));
		this.smoothed = smoothings.map(() => new Float64Array(sensors));
	}

	/** After a gap the machine may have been worked on: its level is learnt anew. */
	reset(): void {
		this.rows = 0;
		this.levelRows = 0;
		this.notes.length = 0;
		this.level.fill(0);
		this.terms?.reset();
		this.smoothed.forEach((values) => values.fill(0));
	}

	/** What the machine is judged against now; undefined before its first row. Goes back in by `recall`. */
	get known(): OwnLevel | undefined {
		return this.notes[0];
	}

	/** Begins with a level of before, so that a fault which stands now is not learnt as this machine's own. */
	recall({ level, rows }: OwnLevel): void {
		this.reset();
		this.level.set(level);
		this.levelRows = rows;
		this.notes.push({ level: this.level.slice(), rows });
	}

	get ready(): boolean {
		return this.rows > this.plan.warmUpRows;
	}

	/** Each row, scaled, before it is known whether it counts. */
	notice(scaled: ArrayLike<number>): void {
		this.terms?.notice(scaled);
	}

	/** A row that counts; `scaled`: the row itself. `follow`: the level takes this row in; not while something is wrong. */
	update(residuals: ArrayLike<number>, scaled: ArrayLike<number>, follow: boolean): void {
		const { relations, levelRows } = this.plan;
		const { left } = this;
		left.set(residuals);
		if (relations) relate(relations, residuals, this.terms!.update(residuals, scaled), left);
		this.rows++;
		if (follow) this.levelRows = Math.min(levelRows, this.levelRows + 1);
		for (let i = 0; i < left.length; i++) {
			const weight = follow ? 1 / (this.levelRows + (relations?.priorRows[i] ?? 0)) : 0;
			this.level[i]! += weight * (left[i]! - this.level[i]!);
		}
		if (this.notes.length === 0 || this.rows % noteEvery === 0) {
			this.notes.push({ level: this.level.slice(), rows: this.levelRows });
			if (this.notes.length > this.plan.delayRows / noteEvery) this.notes.shift();
		}
		const { level, rows } = this.notes[0]!;
		this.smoothings.forEach((smoothing, k) => {
			const smoothed = this.smoothed[k]!;
			// Smoothing starts at nothing: this makes it the mean of the rows there are.
			const full = 1 - (1 - smoothing) ** this.rows;
			for (let i = 0; i < level.length; i++) {
				smoothed[i]! += smoothing * (left[i]! - smoothed[i]!);
				const deviation = smoothed[i]! / full - level[i]!;
				const doubt = relations ? Math.sqrt(1 + knownRows / (rows + relations.priorRows[i]!)) : 1;
				this.deviations[k]![i] = deviation / doubt;
			}
		});
	}
}

/** One statistic's distance, and what each sensor has to do with it. */
export class OwnLevelDistance {
	private readonly inverse: Float64Array | undefined;
	private readonly work: Float64Array;

	private readonly narrowed: Float64Array;

	constructor(private readonly statistic: OwnLevelStatistic) {
		const sensors = statistic.deviation.length;
		this.work = new Float64Array(sensors);
		this.narrowed = new Float64Array(sensors);
		this.inverse = statistic.covariance && invert(statistic.covariance, sensors);
	}

	/** `running`: share of the last quarter of an hour that the machine has run. */
	of(smoothed: Float64Array, running = 1): number {
		const deviation = this.narrow(smoothed, running);
		if (this.inverse) return Math.sqrt(Math.max(0, dot(deviation, multiply(this.inverse, deviation, this.work))));
		for (let i = 0; i < deviation.length; i++) this.work[i] = deviation[i]! / this.statistic.deviation[i]!;
		return combine(this.work, this.statistic.power);
	}

	/** [sensors], squares; what other sensors explain counts as none. */
	contributions(smoothed: Float64Array, running = 1): Float64Array {
		const deviation = this.narrow(smoothed, running).slice();
		if (!this.inverse) return deviation.map((value, i) => (value / this.statistic.deviation[i]!) ** 2);
		multiply(this.inverse, deviation, this.work);
		return deviation.map((value, i) => Math.max(0, value * this.work[i]!));
	}

	/** Half-width of one sensor's normal range by itself, in standardised residuals. */
	band(sensor: number, running = 1): number {
		const { deviation, covariance, threshold, power = defaultPower } = this.statistic;
		const sensors = deviation.length;
		const wide = (widerAt(this.statistic.afterStanding, running)?.[sensor] ?? 1) * threshold;
		return covariance
			? wide * Math.sqrt(covariance[sensor * (sensors + 1)]!)
			: wide * deviation[sensor]! * sensors ** (1 / power);
	}

	/** Deviations as they would be of a machine that runs all the time. */
	private narrow(smoothed: Float64Array, running: number): Float64Array {
		const wider = widerAt(this.statistic.afterStanding, running);
		if (!wider) return smoothed;
		for (let i = 0; i < smoothed.length; i++) this.narrowed[i] = smoothed[i]! / wider[i]!;
		return this.narrowed;
	}
}

/** How many times further sensors wander when a machine has run for this share of the last quarter of an hour; undefined: no further. */
export function widerAt(
	afterStanding: OwnLevelStatistic['afterStanding'],
	running: number
): readonly number[] | undefined {
	let found: readonly number[] | undefined;
	for (const { runningBelow, wider } of afterStanding ?? []) if (running < runningBelow) found = wider;
	return found;
}
