/**
 * State Detection: one machine judged by what its network did not expect, against its class and against its own level so far.
 *
 * In: standardised residuals, row by row. Out: a score (1 is the threshold) and what each sensor has to do with it.
 */
import type { JudgingBasis, ResidualStatistic } from '../../contracts';
import { OwnLevelDistance, OwnLevelTracker, leastRunning, type OwnLevel } from '../own-level/own-level';
import { RunningShare } from '../own-level/running-share';
import { ResidualTracker, combine, defaultPower, distanceOf } from './residual-tracker';

/** Above this score a machine's own level stays where it is: what may be a fault is not learnt. */
const followScore = 0.8;
/** A machine that stood for an hour of rows may have been worked on: its own level is learnt anew. */
const longStopRows = 3600;

export interface ResidualFinding {
	readonly score: number;
	/** [sensors]: what sensors are ranked by. */
	readonly squares: Float64Array;
	/** Half-width of a sensor's normal range, in standardised residuals. */
	readonly band: (sensor: number) => number;
}

export class ResidualJudge {
	private readonly statistics: readonly ResidualStatistic[];
	private readonly tracker: ResidualTracker;
	private readonly ownLevel: OwnLevelTracker | undefined;
	private readonly ownDistances: readonly OwnLevelDistance[];
	private recalled: OwnLevel | undefined;
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
		const { ownLevel } = basis.calibration;
		const own = ownLevel?.statistics ?? [];
		this.ownLevel =
			ownLevel &&
			new OwnLevelTracker(
				ownLevel,
				own.map(({ smoothing }) => smoothing),
				this.sensors
			);
		this.ownDistances = own.map((statistic) => new OwnLevelDistance(statistic));
	}

	/** The machine's own level so far, where the model has one. */
	get knownLevel(): OwnLevel | undefined {
		return this.ownLevel?.known;
	}

	/** Before the first row: the level that the rows to come follow without a gap. */
	recallLevel(known: OwnLevel): void {
		if (known.level.length === this.sensors) this.recalled = known;
	}

	/** After a gap. */
	forget(): void {
		this.tracker.reset();
		this.ownLevel?.reset();
		if (this.recalled) this.ownLevel?.recall(this.recalled);
		this.recalled = undefined;
		this.lastScore = 0;
		this.running.reset();
	}

	/** Of every row, before any of it counts; `scaled`: the row itself. */
	notice(stopped: boolean, scaled: ArrayLike<number>): void {
		this.ownLevel?.notice(scaled);
		this.stoppedRows = stopped ? this.stoppedRows + 1 : 0;
		this.running.notice(stopped);
		if (this.stoppedRows === longStopRows) this.ownLevel?.reset();
	}

	/** A row that counts: its standardised residuals and itself, scaled. */
	take(residuals: ArrayLike<number>, scaled: ArrayLike<number>): void {
		this.tracker.update(residuals);
		this.ownLevel?.update(this.tracker.middle, scaled, this.lastScore < followScore);
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
		let squares: Float64Array = distances[leading]!.map((distance) => distance * distance);
		let band = (i: number) => (statistic.kind === 'bias' ? statistic.deviation[i]! * normalBand : 0);
		const running = this.running.value;
		if (this.ownLevel?.ready && running >= leastRunning)
			this.ownDistances.forEach((distance, k) => {
				const deviation = this.ownLevel!.deviations[k]!;
				const ratio = distance.of(deviation, running) / this.basis.calibration.ownLevel!.statistics[k]!.threshold;
				if (ratio <= score) return;
				score = ratio;
				squares = distance.contributions(deviation, running);
				band = (i) => distance.band(i, running);
			});
		this.lastScore = score;
		return { score, squares, band };
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
