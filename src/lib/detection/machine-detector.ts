/**
 * State Detection: one machine, row by row.
 *
 * In: an aligned row and what the network expected of it. Out: a `DetectedState` (score, mode, ranked deviations) and the row
 * the network is to see next. Holds only this machine's smoothing state; the network's own state lives in its stream.
 */
import type { DetectedState, EpochMs, MachineId, JudgingBasis, ResidualStatistic, SensorDeviation } from '../contracts';
import { defaultWarmUpSteps } from './calibrate';
import { EnsembleDetector, type MemberRows } from './ensemble/ensemble-detector';
import { ModeDetector } from './operating-mode';
import { OwnLevelDistance, OwnLevelTracker, type OwnLevel } from './own-level';
import { RelationWatch } from './relations/relation-watch';
import { ResidualTracker, combine, distanceOf } from './residual-tracker';
import { SensorNotes, type SensorNote } from './sensor-notes';

/** A row as Data Manipulation hands it over. */
export interface ObservedRow {
	readonly time: EpochMs;
	/** [sensors], own units, NaN where nothing good is known. */
	readonly values: ArrayLike<number>;
	readonly breakBefore: boolean;
}

/** Where sensors stand, where they are expected, and the half-width of the normal range around it; scaled. */
interface ShownLevels {
	readonly mean: ArrayLike<number>;
	readonly level: ArrayLike<number>;
	band(sensor: number): number;
}

export interface Observation {
	readonly state: DetectedState;
	/** [sensors], scaled, without NaN: what the network gets as this row. */
	readonly input: Float32Array;
}

/** Above this score a machine's own level stays where it is: what may be a fault is not learnt. */
const followScore = 0.8;
/** A machine that stood for an hour of rows may have been worked on: its own level is learnt anew. */
const longStopRows = 3600;
/**
 * A machine that stood for much of the last quarter of an hour is colder than running ever showed: below this share of running its own level is
 * not judged.
 */
const leastRunning = 0.7;
const runningRows = 900;
/** Smoothing of the actual and expected values that a person is shown. */
const shownSmoothing = 0.1;

export class MachineDetector {
	private readonly sensors: number;
	private readonly statistics: readonly ResidualStatistic[];
	private readonly tracker: ResidualTracker;
	private readonly ownLevel: OwnLevelTracker | undefined;
	private readonly ownDistances: readonly OwnLevelDistance[];
	private recalled: OwnLevel | undefined;
	private readonly ensemble: EnsembleDetector | undefined;
	private readonly relations: RelationWatch | undefined;
	private readonly modes: ModeDetector;
	private readonly warmUp: number;
	private readonly sensorNotes: SensorNotes;
	private readonly lastScaled: Float32Array;
	private readonly shownActual: Float64Array;
	private readonly shownExpected: Float64Array;
	private rowsSinceBreak = 0;
	private judgedRows = 0;
	private stoppedRows = 0;
	private running = 1;
	private lastScore = 0;

	constructor(
		readonly machineId: MachineId,
		private readonly version: JudgingBasis
	) {
		this.sensors = version.scaler.sensorNames.length;
		this.statistics = statisticsOf(version);
		this.tracker = new ResidualTracker(
			this.statistics,
			this.sensors,
			this.statistics.map((statistic) => statistic.mean)
		);
		const { ownLevel } = version.calibration;
		const own = ownLevel?.statistics ?? [];
		this.ownLevel =
			ownLevel &&
			new OwnLevelTracker(
				ownLevel,
				own.map(({ smoothing }) => smoothing),
				this.sensors
			);
		this.ownDistances = own.map((statistic) => new OwnLevelDistance(statistic));
		this.ensemble = version.ensemble && new EnsembleDetector(version.ensemble);
		this.relations = version.relations && new RelationWatch(version.relations);
		this.modes = new ModeDetector(version.calibration, this.sensors);
		this.warmUp = version.calibration.warmUpSteps ?? defaultWarmUpSteps;
		this.sensorNotes = new SensorNotes(version.calibration, this.sensors);
		this.lastScaled = new Float32Array(this.sensors);
		this.shownActual = new Float64Array(this.sensors).fill(Number.NaN);
		this.shownExpected = new Float64Array(this.sensors).fill(Number.NaN);
	}

	/** The machine's own level so far, where the model has one. */
	get knownLevel(): OwnLevel | undefined {
		return this.ownLevel?.known;
	}

	/** Before the first row: the level that the rows to come follow without a gap. */
	recallLevel(known: OwnLevel): void {
		if (known.level.length === this.sensors) this.recalled = known;
	}

	/** `expected`: [sensors], scaled, the network's prediction of this row; undefined when it has seen none before it. */
	observe(row: ObservedRow, expected: ArrayLike<number> | undefined, reconstructed: MemberRows = {}): Observation {
		if (row.breakBefore) this.forget();
		const prediction = row.breakBefore ? undefined : expected;
		const { scaler, calibration } = this.version;
		const input = new Float32Array(this.sensors);
		const residuals = new Float32Array(this.sensors);
		let missing = 0;
		this.sensorNotes.take(row.values);
		for (let i = 0; i < this.sensors; i++) {
			const own = row.values[i]!;
			if (Number.isNaN(own)) {
				missing++;
				input[i] = prediction?.[i] ?? this.lastScaled[i]!;
				residuals[i] = Number.NaN;
			} else {
				input[i] = (own - scaler.mean[i]!) / scaler.deviation[i]!;
				residuals[i] = prediction
					? (input[i]! - prediction[i]! - calibration.residualMean[i]!) / calibration.residualDeviation[i]!
					: Number.NaN;
			}
			this.lastScaled[i] = input[i]!;
			// Far outside anything seen in training a network only saturates; keep its state sane.
			input[i] = Math.max(-8, Math.min(8, input[i]!));
		}
		this.rowsSinceBreak++;
		const settled = this.modes.observe(row.values, this.lastScaled);
		this.relations?.notice(this.lastScaled, this.modes.mode === 'off');
		if (prediction !== undefined) this.show(row.values, prediction);
		this.stoppedRows = this.modes.mode === 'off' ? this.stoppedRows + 1 : 0;
		this.running += ((this.stoppedRows > 0 ? 0 : 1) - this.running) / runningRows;
		if (this.stoppedRows === longStopRows) this.ownLevel?.reset();

		const unscored = this.unscored(missing, prediction !== undefined);
		if (unscored !== undefined || (this.modes.mode === 'start-up' && !settled)) {
			if (this.modes.mode === 'off' || this.modes.mode === 'start-up') this.sensorNotes.forgetRuns();
			const reason = unscored ?? (this.judgedRows === 0 ? 'warming-up' : undefined);
			if (reason !== undefined) return { state: this.stateWithout(row.time, reason), input };
		}
		// Moving means have seen changes of load in training: they are not held off, or a fault's own jump would hide it.
		const voting = this.ensemble ?? this.relations;
		const counts = settled || (voting !== undefined && this.modes.mode === 'changing');
		if (counts && prediction !== undefined && this.rowsSinceBreak > this.warmUp) {
			this.judgedRows++;
			if (this.relations) {
				this.relations.take(memberRows(row.values, this.lastScaled, prediction).levels);
			} else if (this.ensemble) {
				const { levels, predictor } = memberRows(row.values, this.lastScaled, prediction);
				this.ensemble.take({ levels: [levels], predictor: [predictor], ...reconstructed });
			} else {
				this.tracker.update(residuals);
				this.ownLevel?.update(this.tracker.middle, this.lastScaled, this.lastScore < followScore);
			}
		}
		// The members' moving means are still filling.
		if (voting && Number.isNaN(voting.score)) return { state: this.stateWithout(row.time, 'warming-up'), input };
		return { state: this.judge(row.time), input };
	}

	private forget(): void {
		this.rowsSinceBreak = 0;
		this.sensorNotes.forget();
		this.modes.reset();
		this.judgedRows = 0;
		this.tracker.reset();
		this.ownLevel?.reset();
		if (this.recalled) this.ownLevel?.recall(this.recalled);
		this.recalled = undefined;
		this.lastScore = 0;
		this.running = 1;
		this.ensemble?.forgetRows();
		this.relations?.forgetRows();
		this.shownActual.fill(Number.NaN);
		this.shownExpected.fill(Number.NaN);
	}

	private unscored(missing: number, predicted: boolean): DetectedState['unscored'] {
		if (this.modes.mode === 'off') return 'stopped';
		if (this.rowsSinceBreak > 5 && (this.sensorNotes.neverHeard > 0 || missing > this.sensors / 2))
			return 'missing-sensors';
		if (!predicted || this.rowsSinceBreak <= this.warmUp) return 'warming-up';
		return undefined;
	}

	private stateWithout(time: EpochMs, unscored: DetectedState['unscored']): DetectedState {
		return { ...this.stateOf(time, Number.NaN, []), unscored };
	}

	private stateOf(time: EpochMs, score: number, deviations: SensorDeviation[]): DetectedState {
		return {
			machineId: this.machineId,
			time,
			modelId: this.version.id,
			score,
			anomalous: score >= 1,
			mode: this.modes.mode,
			deviations
		};
	}

	private judge(time: EpochMs): DetectedState {
		if (this.relations) {
			const { score: related, mean, expected } = this.relations;
			return this.judgeTogether(time, related, this.relations.contributions(), {
				mean,
				level: expected,
				band: (i) => this.relations!.band(i)
			});
		}
		if (this.ensemble) {
			const { score: voted, leading, levels } = this.ensemble;
			return this.judgeTogether(time, voted, leading.contributions(), levels);
		}
		let score = 0;
		let leading = 0;
		const distances = this.statistics.map((statistic, k) => {
			const values = new Float64Array(this.sensors);
			for (let i = 0; i < this.sensors; i++) values[i] = distanceOf(statistic, i, this.tracker.smoothed[k]![i]!);
			const ratio = combine(values) / statistic.threshold;
			if (ratio > score) {
				score = ratio;
				leading = k;
			}
			return values;
		});
		const statistic = this.statistics[leading]!;
		const normalBand = statistic.threshold * this.sensors ** 0.25;
		let squares: Float64Array = distances[leading]!.map((distance) => distance * distance);
		let bandOf = (i: number) => (statistic.kind === 'bias' ? statistic.deviation[i]! * normalBand : 0);
		if (this.ownLevel?.ready && this.running >= leastRunning)
			this.ownDistances.forEach((distance, k) => {
				const deviation = this.ownLevel!.deviations[k]!;
				const ratio = distance.of(deviation) / this.version.calibration.ownLevel!.statistics[k]!.threshold;
				if (ratio <= score) return;
				score = ratio;
				squares = distance.contributions(deviation);
				bandOf = (i) => distance.band(i);
			});
		this.lastScore = score;
		const notes = this.sensorNotes.notes();
		for (const note of notes) score = Math.max(score, note.score);
		return this.stateOf(time, score, this.rank(squares, bandOf, notes));
	}

	/** `found`: score by the members' vote or by relations; `own`: squares to rank sensors by; `levels`: what is shown, scaled. */
	private judgeTogether(
		time: EpochMs,
		found: number,
		own: Float64Array,
		levels: ShownLevels | undefined
	): DetectedState {
		const notes = this.sensorNotes.notes();
		const score = notes.reduce((most, note) => Math.max(most, note.score), found);
		const { mean, deviation } = this.version.scaler;
		const squares = markNoted(own, notes);
		const total = squares.reduce((sum, square) => sum + square, 0) || 1;
		const noted = notedSensors(notes);
		const deviations = Array.from(squares, (square, i): SensorDeviation => {
			const inUnits = (scaled: number | undefined) =>
				scaled === undefined ? Number.NaN : scaled * deviation[i]! + mean[i]!;
			return {
				sensorName: this.version.scaler.sensorNames[i]!,
				share: square / total,
				actual: inUnits(levels?.mean[i]),
				expected: inUnits(levels?.level[i]),
				band: (levels?.band(i) ?? Number.NaN) * deviation[i]!,
				...(noted.has(i) ? { note: noted.get(i)! } : {})
			};
		}).sort((a, b) => b.share - a.share);
		return this.stateOf(time, score, deviations);
	}

	/** `bandOf`: half-width of a sensor's normal range, in standardised residuals. */
	private rank(own: Float64Array, bandOf: (sensor: number) => number, notes: readonly SensorNote[]): SensorDeviation[] {
		const { scaler, calibration } = this.version;
		const squares = markNoted(own, notes);
		const noted = notedSensors(notes);
		const total = squares.reduce((sum, square) => sum + square, 0) || 1;
		return Array.from(squares)
			.map((square, i): SensorDeviation => {
				const unit = scaler.deviation[i]! * calibration.residualDeviation[i]!;
				const actual = this.shownActual[i]!;
				const expected = this.shownExpected[i]!;
				return {
					sensorName: scaler.sensorNames[i]!,
					share: square / total,
					actual,
					expected,
					band: Math.max(3, bandOf(i)) * unit,
					...(noted.has(i) ? { note: noted.get(i)! } : {})
				};
			})
			.sort((a, b) => b.share - a.share);
	}

	private show(own: ArrayLike<number>, prediction: ArrayLike<number>): void {
		const { scaler, calibration } = this.version;
		for (let i = 0; i < this.sensors; i++) {
			const scaled = prediction[i]! + calibration.residualMean[i]!;
			const expected = scaled * scaler.deviation[i]! + scaler.mean[i]!;
			this.shownExpected[i] = Number.isNaN(this.shownExpected[i]!)
				? expected
				: this.shownExpected[i]! + shownSmoothing * (expected - this.shownExpected[i]!);
			const actual = own[i]!;
			if (Number.isNaN(actual)) continue;
			this.shownActual[i] = Number.isNaN(this.shownActual[i]!)
				? actual
				: this.shownActual[i]! + shownSmoothing * (actual - this.shownActual[i]!);
		}
	}
}

function notedSensors(notes: readonly SensorNote[]): Map<number, SensorNote['note']> {
	return new Map(notes.filter(({ score }) => score >= 1).map(({ sensor, note }) => [sensor, note]));
}

/** A dead sensor explains more than what its absence does to the others. */
function markNoted(squares: Float64Array, notes: readonly SensorNote[]): Float64Array {
	const largest = Math.max(...squares, 1e-9);
	for (const sensor of notedSensors(notes).keys()) squares[sensor] = largest * 4;
	return squares;
}

/** What the members look at in one row, scaled: where sensors stand, and how far that is from what was predicted. NaN: nothing known. */
export function memberRows(
	own: ArrayLike<number>,
	scaled: Float32Array,
	prediction: ArrayLike<number>
): { levels: Float32Array; predictor: Float32Array } {
	const levels = scaled.map((value, i) => (Number.isNaN(own[i]!) ? Number.NaN : value));
	return { levels, predictor: levels.map((value, i) => value - prediction[i]!) };
}

/** The statistics of a version; one from elsewhere that has none gets the plain smoothed squared residual. */
export function statisticsOf(version: JudgingBasis): readonly ResidualStatistic[] {
	const { calibration } = version;
	if (calibration.statistics && calibration.statistics.length > 0) return calibration.statistics;
	const sensors = version.scaler.sensorNames.length;
	return [
		{
			kind: 'energy',
			smoothing: calibration.smoothing,
			mean: new Array<number>(sensors).fill(0),
			deviation: new Array<number>(sensors).fill(1),
			threshold: calibration.threshold
		}
	];
}
