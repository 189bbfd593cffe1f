/**
 * State Detection: one machine judged by what its network did not expect, against its class and against its own level so far, and by where
 * its sensors stand to each other, against its own level so far.
 *
 * In: standardised residuals and scaled rows, row by row. Out: a score (1 is the threshold) and what each sensor has to do with it.
 */
import type { JudgingBasis, ResidualStatistic } from '../../contracts';
import type { OwnLevels } from '../own-level/own-level';
import { OwnLevelWatch } from '../own-level/own-level-watch';
import { OwnValuesWatch } from '../own-level/own-values-watch';
import { RunningShare } from '../own-level/running-share';
import { ResidualTracker, combine, defaultPower, distanceOf } from './residual-tracker';

/** Above this score a machine's own level stays where it is: what may be a fault is not learnt. */
const followScore = 0.8;
/** The same of values, which wander further over a day (with the warmth of the hall): held too soon, a level of the morning would be an alarm in the afternoon. */
const followValuesScore = 1.5;
/** A machine that stood for an hour of rows may have been worked on: its own level is learnt anew. */
const longStopRows = 3600;

export interface ResidualFinding {
	readonly score: number;
	/** [sensors]: what sensors are ranked by. */
	readonly squares: Float64Array;
	/** Half-width of a sensor's normal range, in standardised residuals. */
	readonly band: (sensor: number) => number;
	/** Set where the sensors' values decide, not what the network did not expect: how far each is off by the others, and its normal range; scaled. */
	readonly byOthers?: { off(sensor: number): number; band(sensor: number): number };
}

export class ResidualJudge {
	private readonly statistics: readonly ResidualStatistic[];
	private readonly tracker: ResidualTracker;
	private readonly ownLevel: OwnLevelWatch | undefined;
	private readonly ownValues: OwnValuesWatch | undefined;
	private readonly sensors: number;
	private stoppedRows = 0;
	private readonly running = new RunningShare();
	private lastScore = 0;

	constructor(private readonly basis: JudgingBasis) {
		this.sensors = basis.scaler.sensorNames.length;
		this.statistics = statisticsOf(basis);
		this.tracker = new ResidualTracker(
			this.statistics,
			this.sensors,
			this.statistics.map((statistic) => statistic.mean)
		);
		const { ownLevel, ownValues } = basis.calibration;
		this.ownLevel = ownLevel && new OwnLevelWatch(ownLevel, this.sensors);
		this.ownValues = ownValues && new OwnValuesWatch(ownValues, this.sensors);
	}

	/** The machine's own levels so far, where the model has them. */
	get knownLevels(): OwnLevels {
		return { residuals: this.ownLevel?.known, values: this.ownValues?.known };
	}

	/** Before the first row: the levels that the rows to come follow without a gap. */
	recallLevels({ residuals, values }: OwnLevels): void {
		if (residuals) this.ownLevel?.recall(residuals);
		if (values) this.ownValues?.recall(values);
	}

	/** After a gap. */
	forget(): void {
		this.tracker.reset();
		this.ownLevel?.forget();
		this.ownValues?.forget();
		this.lastScore = 0;
		this.running.reset();
	}

	/** Of every row, before any of it counts; `scaled`: the row itself. */
	notice(stopped: boolean, scaled: ArrayLike<number>): void {
		this.ownLevel?.notice(scaled);
		this.ownValues?.notice(scaled);
		this.stoppedRows = stopped ? this.stoppedRows + 1 : 0;
		this.running.notice(stopped);
		if (this.stoppedRows !== longStopRows) return;
		this.ownLevel?.reset();
		this.ownValues?.reset();
	}

	/** A row that counts: its standardised residuals and itself, scaled. */
	take(residuals: ArrayLike<number>, scaled: ArrayLike<number>): void {
		this.tracker.update(residuals);
		this.ownLevel?.update(this.tracker.middle, scaled, this.lastScore < followScore);
		this.ownValues?.update(this.lastScore < followValuesScore);
	}

	judge(): ResidualFinding {
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
		const normalBand = statistic.threshold * this.sensors ** (1 / defaultPower);
		const running = this.running.value;
		const own = this.ownLevel?.judge(running);
		const values = this.ownValues?.judge(running);
		const byClass = (i: number) => (statistic.kind === 'bias' ? statistic.deviation[i]! * normalBand : 0);
		let finding: ResidualFinding;
		if (values && values.score > Math.max(score, own?.score ?? 0))
			finding = { score: values.score, squares: values.squares(), band: byClass, byOthers: values };
		else if (own && own.score > score) finding = { score: own.score, squares: own.squares(), band: own.band };
		else finding = { score, squares: distances[leading]!.map((distance) => distance * distance), band: byClass };
		this.lastScore = finding.score;
		return finding;
	}
}

/** The statistics of a version; one from elsewhere that has none gets the plain smoothed squared residual. */
export function statisticsOf(basis: JudgingBasis): readonly ResidualStatistic[] {
	const { calibration } = basis;
	if (calibration.statistics && calibration.statistics.length > 0) return calibration.statistics;
	const sensors = basis.scaler.sensorNames.length;
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
