/**
 * State Detection: one machine, row by row.
 *
 * In: an aligned row and what the network expected of it. Out: a `DetectedState` (score, mode, ranked deviations) and the row
 * the network is to see next. Holds only this machine's smoothing state; the network's own state lives in its stream.
 */
import type { DetectedState, EpochMs, MachineId, JudgingBasis, SensorDeviation } from '../contracts';
import { defaultWarmUpSteps } from './thresholds/calibrate';
import { EnsembleDetector, type MemberRows } from './ensemble/ensemble-detector';
import { ModeDetector } from './modes/operating-mode';
import type { OwnLevels } from './own-level/own-level';
import { rankDeviations } from './residuals/rank-deviations';
import { RelationWatch } from './relations/relation-watch';
import { ResidualJudge } from './residuals/residual-judge';
import { SensorNotes } from './sensors/sensor-notes';
import { ShownCourse } from './residuals/shown-course';

/** Below this score nothing is shown to be wrong, and what the network expected is shown whatever decides. */
const shownByOthersFrom = 0.7;

/** A row as Data Manipulation hands it over. */
export interface ObservedRow {
	readonly time: EpochMs;
	/** [sensors], own units, NaN where nothing good is known. */
	readonly values: ArrayLike<number>;
	readonly breakBefore: boolean;
}

/** What several members or the relations of sensors say together; `squares`: each sensor's part of it. */
interface JointFinding {
	readonly score: number;
	readonly squares: Float64Array;
	readonly levels: ShownLevels | undefined;
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

export class MachineDetector {
	private readonly sensors: number;
	private readonly residuals: ResidualJudge;
	private readonly ensemble: EnsembleDetector | undefined;
	private readonly relations: RelationWatch | undefined;
	private readonly modes: ModeDetector;
	private readonly warmUp: number;
	private readonly sensorNotes: SensorNotes;
	private readonly shown: ShownCourse;
	private readonly lastScaled: Float32Array;
	private rowsSinceBreak = 0;
	private judgedRows = 0;

	constructor(
		readonly machineId: MachineId,
		private readonly version: JudgingBasis
	) {
		this.sensors = version.scaler.sensorNames.length;
		this.residuals = new ResidualJudge(version);
		this.ensemble = version.ensemble && new EnsembleDetector(version.ensemble);
		this.relations = version.relations && new RelationWatch(version.relations);
		this.modes = new ModeDetector(version.calibration, this.sensors);
		this.warmUp = version.calibration.warmUpSteps ?? defaultWarmUpSteps;
		this.sensorNotes = new SensorNotes(version.calibration, this.sensors);
		this.shown = new ShownCourse(version);
		this.lastScaled = new Float32Array(this.sensors);
	}

	/** The machine's own levels so far, where the model has them. */
	get knownLevels(): OwnLevels {
		return this.residuals.knownLevels;
	}

	/** Before the first row: the levels that the rows to come follow without a gap. */
	recallLevels(known: OwnLevels): void {
		this.residuals.recallLevels(known);
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
		if (prediction !== undefined) this.shown.take(row.values, prediction);
		this.residuals.notice(this.modes.mode === 'off', this.lastScaled);

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
				this.residuals.take(residuals, this.lastScaled);
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
		this.residuals.forget();
		this.ensemble?.forgetRows();
		this.relations?.forgetRows();
		this.shown.forget();
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
		const joint = this.judgeJointly();
		const { sensorNames, mean, deviation } = this.version.scaler;
		const notes = this.sensorNotes.notes();
		const worst = (score: number) => notes.reduce((most, note) => Math.max(most, note.score), score);
		if (joint) {
			const { levels } = joint;
			const inUnits = (scaled: number | undefined, i: number) =>
				scaled === undefined ? Number.NaN : scaled * deviation[i]! + mean[i]!;
			const deviations = rankDeviations(sensorNames, joint.squares, notes, (i) => ({
				actual: inUnits(levels?.mean[i], i),
				expected: inUnits(levels?.level[i], i),
				band: (levels?.band(i) ?? Number.NaN) * deviation[i]!
			}));
			return this.stateOf(time, worst(joint.score), deviations);
		}
		const { residualDeviation } = this.version.calibration;
		const { score, squares, band, byOthers } = this.residuals.judge();
		const deviations = rankDeviations(sensorNames, squares, notes, (i) => {
			const actual = this.shown.actual[i]!;
			const ofNetwork = {
				expected: this.shown.expected[i]!,
				band: Math.max(3, band(i)) * (deviation[i]! * residualDeviation[i]!)
			};
			// The network goes along with what creeps: what it expected would not show a person what is wrong.
			if (!byOthers || score < shownByOthersFrom) return { actual, ...ofNetwork };
			const expected = actual - byOthers.off(i) * deviation[i]!;
			return { actual, expected, band: byOthers.band(i) * deviation[i]!, ofNetwork };
		});
		return this.stateOf(time, worst(score), deviations);
	}

	/** By relations, or by the members' vote; undefined: the predictor decides alone. */
	private judgeJointly(): JointFinding | undefined {
		const { relations, ensemble } = this;
		if (relations) return { score: relations.score, squares: relations.contributions(), levels: relations.levels };
		return ensemble && { score: ensemble.score, squares: ensemble.leading.contributions(), levels: ensemble.levels };
	}
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
