/**
 * State Detection: a machine against its own level so far, by all statistics of a calibration.
 *
 * In: one number a sensor, row by row, free of spikes (residuals, or the values themselves). Out: the statistic that lies furthest over its
 * threshold, and what each sensor has to do with it.
 */
import type { OwnLevelCalibration } from '../../contracts';
import { OwnLevelDistance, OwnLevelTracker, leastRunning, type OwnLevel } from './own-level';

export interface OwnLevelFinding {
	/** 1 is the threshold. */
	readonly score: number;
	/** [sensors]: what sensors are ranked by. */
	squares(): Float64Array;
	/** How far a sensor stands from where this machine and the other sensors put it, in the units of what is watched. */
	off(sensor: number): number;
	/** Half-width of a sensor's normal range around that. */
	band(sensor: number): number;
}

export class OwnLevelWatch {
	private readonly tracker: OwnLevelTracker;
	private readonly distances: readonly OwnLevelDistance[];
	private recalled: OwnLevel | undefined;

	constructor(
		private readonly calibration: OwnLevelCalibration,
		private readonly sensors: number
	) {
		const { statistics } = calibration;
		this.tracker = new OwnLevelTracker(
			calibration,
			statistics.map(({ smoothing }) => smoothing),
			sensors
		);
		this.distances = statistics.map((statistic) => new OwnLevelDistance(statistic));
	}

	/** What the machine is judged against now; undefined before its first row. */
	get known(): OwnLevel | undefined {
		return this.tracker.known;
	}

	/** Before the first row: the level that the rows to come follow without a gap. */
	recall(known: OwnLevel): void {
		if (known.level.length === this.sensors) this.recalled = known;
	}

	/** After a gap. */
	forget(): void {
		this.tracker.reset();
		if (this.recalled) this.tracker.recall(this.recalled);
		this.recalled = undefined;
	}

	/** The machine may have been worked on: its level is learnt anew. */
	reset(): void {
		this.tracker.reset();
	}

	/** Each row, scaled, before it is known whether it counts. */
	notice(scaled: ArrayLike<number>): void {
		this.tracker.notice(scaled);
	}

	/** A row that counts: what is watched, and the row, scaled. `follow`: the level takes it in; not while something is wrong. */
	update(watched: ArrayLike<number>, scaled: ArrayLike<number>, follow: boolean): void {
		this.tracker.update(watched, scaled, follow);
	}

	/** `running`: share of the last quarter of an hour that the machine has run. Undefined: too little is known yet, or it has stood for too long. */
	judge(running: number): OwnLevelFinding | undefined {
		if (!this.tracker.ready || running < leastRunning) return undefined;
		let score = 0;
		let leading = 0;
		this.distances.forEach((distance, k) => {
			const ratio = distance.of(this.tracker.deviations[k]!, running) / this.calibration.statistics[k]!.threshold;
			if (ratio <= score) return;
			score = ratio;
			leading = k;
		});
		const distance = this.distances[leading]!;
		const deviation = this.tracker.deviations[leading]!;
		return {
			score,
			squares: () => distance.contributions(deviation, running),
			off: (sensor) => deviation[sensor]!,
			band: (sensor) => distance.band(sensor, running)
		};
	}
}
