/**
 * State Detection: a machine judged by how its sensors go with each other.
 *
 * In: scaled rows. Out: a score that is 1 where the mean of a minute of rows of one sensor lies as far from what the others say as normal
 * running never did. Running unlike all that was learnt is judged more widely, not called a fault.
 */
import { relationRows, type RelationCalibration } from '../../contracts';
import { RelationTerms, SensorRegression, valueClip } from './relation-terms';

/** A row waits for so many others: the last ones before a stop belong to the stop, in which speed lags behind current. */
export const waitingRows = 20;
/** Share of the last quarter of an hour that a machine stood: EWMA coefficient per row. */
export const standingSmoothing = 1 / 900;
/**
 * A machine that stood longer than learning saw is colder than it ever was: temperatures are judged this much more widely per share of that quarter of an hour,
 * until they have come back. After five minutes of standing (0.28) that is five times.
 */
const coldWidening = 15;
/** The level that a sensor keeps beside what is expected of it is followed this slowly, this late, by no more than its threshold. */
const levelRows = 3_600;
const levelDelay = 240;
const noteEvery = 30;
/** Leverage is looked at again after so many rows. */
const leverageEvery = 5;
/** A fault that shows in two sensors makes each of them unlike all that was learnt to the other: it must not be excused by that. */
const mostWidening = 3;

export class RelationWatch {
	/** 1 at the threshold; NaN before a minute of rows has been judged. */
	score = Number.NaN;
	private readonly sensors: number;
	private readonly terms: RelationTerms;
	private readonly regressions: readonly SensorRegression[];
	private readonly widening: Float64Array;
	/** Newest residuals, row by row. */
	private readonly ring: Float64Array;
	private readonly deviation: Float64Array;
	private readonly expectedNow: Float64Array;
	private readonly level: Float64Array;
	private readonly notes: Float64Array[] = [];
	/** Residuals of rows that are not yet judged; oldest first. */
	private readonly waiting: Float64Array[] = [];
	private seen = 0;
	private judgedRows = 0;
	private standing = 0;

	constructor(private readonly calibration: RelationCalibration) {
		this.sensors = calibration.threshold.length;
		this.terms = new RelationTerms(this.sensors, calibration.slowSmoothing);
		this.regressions = calibration.threshold.map(
			(_, i) =>
				new SensorRegression(
					i,
					this.sensors,
					calibration,
					calibration.lagging?.[i] === false ? calibration.heat : undefined
				)
		);
		this.widening = new Float64Array(this.sensors).fill(1);
		this.ring = new Float64Array(relationRows * this.sensors);
		this.deviation = new Float64Array(this.sensors);
		this.expectedNow = new Float64Array(this.sensors);
		this.level = new Float64Array(this.sensors);
	}

	/** After a gap: rows before it are no part of any mean. */
	forgetRows(): void {
		this.seen = 0;
		this.waiting.length = 0;
		this.score = Number.NaN;
	}

	/** Every row, judged or not: slow means go on. When the machine stands, the last rows were on the way there. */
	notice(scaled: ArrayLike<number>, stopped: boolean): void {
		this.terms.take(scaled);
		this.standing += standingSmoothing * ((stopped ? 1 : 0) - this.standing);
		if (stopped) this.waiting.length = 0;
	}

	/** Judges the row last noticed; a sensor without a value counts as being where it is expected. */
	take(row: ArrayLike<number>): void {
		const { sensors, terms, waiting } = this;
		const newest = waiting.length > waitingRows ? waiting.shift()! : new Float64Array(sensors);
		const widen = this.judgedRows++ % leverageEvery === 0;
		const cold = 1 + coldWidening * Math.max(0, this.standing - (this.calibration.standing ?? 1));
		for (let i = 0; i < sensors; i++) {
			const expected = this.regressions[i]!.expect(terms.values);
			const value = Number.isNaN(row[i]!) ? expected : Math.max(-valueClip, Math.min(valueClip, row[i]!));
			newest[i] = value - expected;
			this.expectedNow[i] = expected;
			if (widen) {
				const leverage = this.regressions[i]!.leverage(terms.values);
				this.widening[i] = Math.min(mostWidening, Math.sqrt(Math.max(1, leverage / this.calibration.leverage[i]!)));
				if (this.calibration.heat?.[i]) this.widening[i]! *= cold;
			}
		}
		waiting.push(newest);
		if (waiting.length <= waitingRows) return;
		this.ring.set(waiting[0]!, (this.seen++ % relationRows) * sensors);
		if (this.seen >= relationRows) this.judge();
	}

	/** [sensors], scaled: what is expected of the newest row, each sensor's level beside it, and where sensors stand by the minute's deviations from that. */
	get levels(): { readonly mean: Float64Array; readonly level: Float64Array; band(sensor: number): number } {
		const level = this.expectedNow.map((value, i) => value + (this.notes[0]?.[i] ?? 0));
		return { mean: level.map((value, i) => value + this.deviation[i]!), level, band: (sensor) => this.band(sensor) };
	}

	/** Half-width of one sensor's normal range, scaled. */
	private band(sensor: number): number {
		return this.calibration.threshold[sensor]! * this.widening[sensor]!;
	}

	/** [sensors]: squares of the deviations over their ranges. */
	contributions(): Float64Array {
		return this.deviation.map((value, i) => (value / this.band(i)) ** 2);
	}

	private judge(): void {
		const { sensors, ring, level } = this;
		const known = this.notes[0];
		this.score = 0;
		for (let i = 0; i < sensors; i++) {
			let residual = 0;
			for (let at = i; at < ring.length; at += sensors) residual += ring[at]!;
			residual /= relationRows;
			this.deviation[i] = residual - (known?.[i] ?? 0);
			this.score = Math.max(this.score, Math.abs(this.deviation[i]!) / this.band(i));
			const limit = this.calibration.threshold[i]!;
			level[i]! += (Math.max(-limit, Math.min(limit, residual)) - level[i]!) / levelRows;
		}
		if (this.seen % noteEvery !== 0) return;
		this.notes.push(level.slice());
		if (this.notes.length > levelDelay / noteEvery) this.notes.shift();
	}
}
