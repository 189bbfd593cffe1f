/**
 * The pipeline: composes the blocks for one machine; each block takes what the one before gives, so the types force the order.
 *
 * In: an aligned row and what the predictor expected of it. Out: everything that follows from it - detected state, health
 * report, prognosis, the span and the alarm change to store - and the row the predictor is to see next.
 */
import type {
	Alarm,
	AnomalySpan,
	DetectedState,
	EpochMs,
	FailureLibrary,
	HealthReport,
	JudgingBasis,
	MachineId,
	Prognosis
} from './contracts';
import { advise, noAlarm, type AdvisoryState, type AlarmChange } from './advisory';
import {
	AdaptedScoring,
	MachineDetector,
	ModeConditioning,
	ScoreTail,
	runRowsOf,
	type MemberRows,
	type OwnLevels,
	type RowPredictor
} from './detection';
import { assessHealth, endSpan, initialHealth, type HealthState } from './health';
import type { AlignedRow } from './manipulation';
import { MachinePrognosis, residualUnits, type LevelPoint } from './prognostics';

export interface Verdict {
	readonly detected: DetectedState;
	readonly report: HealthReport;
	readonly prognosis: Prognosis;
	readonly span?: AnomalySpan;
	readonly alarmChange?: AlarmChange;
	/** [sensors], scaled, without NaN. */
	readonly input: Float32Array;
}

export class MachinePipeline {
	/** Threshold and sensor levels as live operation has moved them. */
	readonly adapted: AdaptedScoring;
	/** How high the score comes in normal running. */
	readonly tail: ScoreTail;
	private readonly detector: MachineDetector;
	private readonly modes: ModeConditioning;
	private health: HealthState = initialHealth;
	private advisory: AdvisoryState = noAlarm;
	private readonly prognosis: MachinePrognosis;

	constructor(
		readonly machineId: MachineId,
		readonly version: JudgingBasis,
		/** Unit of a sensor where it is known, for sentences. */
		private readonly unitOf: (sensorName: string) => string | undefined = () => undefined,
		/** The machine's open anomaly alarm, if one is stored. */
		openAlarm?: Alarm
	) {
		this.detector = new MachineDetector(machineId, version);
		this.modes = new ModeConditioning(version);
		this.adapted = new AdaptedScoring(version);
		this.tail = new ScoreTail(runRowsOf(version), version.stepMs);
		this.prognosis = new MachinePrognosis(machineId, version.stepMs);
		if (openAlarm) this.advisory = { alarm: openAlarm };
	}

	/**
	 * Takes over what is stored of this machine: its open alarm and open span, or none. For a pipeline that has run through
	 * rows judged before, whose own findings are stored already. Gives the span to store if that changes it.
	 */
	adopt(alarm: Alarm | undefined, span: AnomalySpan | undefined): AnomalySpan | undefined {
		this.advisory = alarm ? { alarm } : noAlarm;
		const own = this.health.span;
		if (own && span) {
			this.health = { ...this.health, span: { ...span, peakScore: Math.max(span.peakScore, own.peakScore) } };
			return undefined;
		}
		return own ?? (span && { ...span, end: Math.max(span.start, this.lastTime || span.start) });
	}

	/** Stored scores of before the first row judged, oldest first, and the `course` of an earlier run under this version. */
	recallScores(times: ArrayLike<EpochMs>, scores: ArrayLike<number>, course: readonly LevelPoint[] = []): void {
		this.prognosis.recall(times, scores, course);
	}

	/** The machine's own levels as judged against now; go back in by `recallLevels`. */
	get knownLevels(): OwnLevels {
		return this.detector.knownLevels;
	}

	/** Before the first row: the levels of an earlier run under this version, which the rows to come follow without a gap. */
	recallLevels(known: OwnLevels): void {
		this.detector.recallLevels(known);
	}

	/** What is known of failures under this version: the prognosis then tells failure, not just critical health. */
	learnFailures(library: FailureLibrary): void {
		this.prognosis.learnFailures(library, residualUnits(this.version));
	}

	/** The same of history: the course is followed, for the pipeline that goes on from there, and nothing is said. */
	followCourse(library: FailureLibrary): void {
		this.learnFailures(library);
		this.prognosis.followOnly();
	}

	/** Why nothing is known of failures, where something should be: said with the prognosis. */
	refuseFailures(reason: string): void {
		this.prognosis.refuseFailures(reason);
	}

	get knownFailures(): FailureLibrary | undefined {
		return this.prognosis.knownFailures;
	}

	/** Levels of the sensors that the prognosis rests on; goes back in by `recallScores`. */
	get course(): readonly LevelPoint[] {
		return this.prognosis.course;
	}

	get openAlarm(): Alarm | undefined {
		return this.advisory.alarm;
	}

	get openSpan(): AnomalySpan | undefined {
		return this.health.span;
	}

	/** Older history showed where the open span began: gives the span and the alarm change to store. */
	backdate(older: AnomalySpan): { span?: AnomalySpan; alarmChange?: AlarmChange } {
		const own = this.health.span;
		if (!own || older.start >= own.start) return {};
		const span = { ...own, start: older.start, peakScore: Math.max(own.peakScore, older.peakScore) };
		this.health = { ...this.health, span };
		const { alarm } = this.advisory;
		if (!alarm || alarm.since <= older.start) return { span };
		this.advisory = { ...this.advisory, alarm: { ...alarm, since: older.start } };
		return { span, alarmChange: { kind: 'backdate', id: alarm.id, since: older.start } };
	}

	/** `reconstructed`: what the model's autoencoders could not give back since the last row, where it has some. */
	judge(row: AlignedRow, expected: ArrayLike<number> | undefined, reconstructed?: MemberRows): Verdict {
		let ended: AnomalySpan | undefined;
		if (row.breakBefore && this.health.span) {
			const closed = endSpan(this.health, this.lastTime);
			this.health = closed.state;
			ended = closed.span;
		}
		this.lastTime = row.time;
		const shifted = this.adapted.before(row);
		const { state, input } = this.detector.observe(shifted, expected, reconstructed);
		if (row.breakBefore) this.modes.reset();
		const unwell = this.health.span !== undefined;
		const detected = this.modes.apply(this.adapted.after(state), row.values, unwell);
		const assessed = assessHealth(this.health, detected, this.version.stepMs);
		this.health = assessed.state;
		// A vote, and a watch without a network, hold their findings themselves: their alarms go by the on-delay alone.
		const { ensemble, relations } = this.version;
		const lastingScore = ensemble || relations ? undefined : assessed.report.lastingScore;
		const report: HealthReport = { ...assessed.report, lastingScore, modeId: detected.modeId };
		const prognosis = this.prognosis.observe(report, shifted);
		const advice = advise(this.advisory, report, this.version.stepMs, this.unitOf);
		this.advisory = advice.state;
		// An anomaly that passes before it is an alarm is normal running, and tells how high that comes.
		if (report.unscored === undefined) this.tail.take(row.time, state.score, this.openAlarm !== undefined);
		return {
			detected,
			report,
			prognosis,
			span: ended ?? assessed.span,
			alarmChange: advice.change,
			input
		};
	}

	/** Ends what is open (the model is being replaced); gives the closed span. */
	close(at: EpochMs): AnomalySpan | undefined {
		const { state, span } = endSpan(this.health, at);
		this.health = state;
		return span;
	}

	private lastTime: EpochMs = 0;
}

/** One machine's rows waiting to be judged, oldest first. */
export interface DueMachine {
	readonly pipeline: MachinePipeline;
	/** Name of its lane in the predictor; default: the machine's id. */
	readonly lane?: string;
	readonly rows: readonly AlignedRow[];
}

/**
 * Judges the rows of several machines that share a predictor: one network step for all of them per round.
 * `predictor` is the versions' network, or `LastRow` where they have none. `onVerdict` hears every row's verdict in time order per machine.
 */
export function judgeDue(
	predictor: RowPredictor,
	due: readonly DueMachine[],
	onVerdict: (machineId: MachineId, row: AlignedRow, verdict: Verdict) => void
): void {
	const rounds = due.reduce((most, { rows }) => Math.max(most, rows.length), 0);
	for (let round = 0; round < rounds; round++) {
		const lanes: string[] = [];
		const inputs: Float32Array[] = [];
		for (const { pipeline, lane = pipeline.machineId, rows } of due) {
			const row = rows[round];
			if (!row) continue;
			if (row.breakBefore) predictor.reset(lane);
			const verdict = pipeline.judge(row, predictor.expectedOf(lane), predictor.takeReconstruction(lane));
			lanes.push(lane);
			inputs.push(verdict.input);
			onVerdict(pipeline.machineId, row, verdict);
		}
		predictor.step(lanes, inputs);
	}
}
