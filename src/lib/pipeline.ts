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
	HealthReport,
	MachineId,
	ModelVersion,
	Prognosis
} from './contracts';
import { advise, noAlarm, type AdvisoryState, type AlarmChange } from './advisory';
import { MachineDetector, type Predictor } from './detection';
import { assessHealth, endSpan, initialHealth, type HealthState } from './health';
import type { AlignedRow } from './manipulation';
import { prognose } from './prognostics';

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
	private readonly detector: MachineDetector;
	private health: HealthState = initialHealth;
	private advisory: AdvisoryState = noAlarm;

	constructor(
		readonly machineId: MachineId,
		readonly version: ModelVersion,
		/** Unit of a sensor where it is known, for sentences. */
		private readonly unitOf: (sensorName: string) => string | undefined = () => undefined,
		/** The machine's open anomaly alarm, if one is stored. */
		openAlarm?: Alarm
	) {
		this.detector = new MachineDetector(machineId, version);
		if (openAlarm) this.advisory = { alarm: openAlarm };
	}

	/** The stored alarm was changed elsewhere: closed ones are forgotten, so that the condition may raise a new one. */
	adoptAlarm(alarm: Alarm | undefined): void {
		if (alarm !== undefined || this.advisory.alarm !== undefined)
			this.advisory = alarm ? { ...this.advisory, alarm } : noAlarm;
	}

	get openAlarm(): Alarm | undefined {
		return this.advisory.alarm;
	}

	judge(row: AlignedRow, expected: ArrayLike<number> | undefined): Verdict {
		let ended: AnomalySpan | undefined;
		if (row.breakBefore && this.health.span) {
			const closed = endSpan(this.health, this.lastTime);
			this.health = closed.state;
			ended = closed.span;
		}
		this.lastTime = row.time;
		const { state: detected, input } = this.detector.observe(row, expected);
		const assessed = assessHealth(this.health, detected, this.version.stepMs);
		this.health = assessed.state;
		const prognosis = prognose(assessed.report);
		const advice = advise(this.advisory, assessed.report, this.version.stepMs, this.unitOf);
		this.advisory = advice.state;
		return {
			detected,
			report: assessed.report,
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
	readonly rows: readonly AlignedRow[];
}

/**
 * Judges the rows of several machines that share a predictor: one network step for all of them per round.
 * `onVerdict` hears every row's verdict in time order per machine.
 */
export function judgeDue(
	predictor: Predictor,
	due: readonly DueMachine[],
	onVerdict: (machineId: MachineId, row: AlignedRow, verdict: Verdict) => void
): void {
	const rounds = due.reduce((most, { rows }) => Math.max(most, rows.length), 0);
	for (let round = 0; round < rounds; round++) {
		const ids: MachineId[] = [];
		const inputs: Float32Array[] = [];
		for (const { pipeline, rows } of due) {
			const row = rows[round];
			if (!row) continue;
			if (row.breakBefore) predictor.reset(pipeline.machineId);
			const verdict = pipeline.judge(row, predictor.expectedOf(pipeline.machineId));
			ids.push(pipeline.machineId);
			inputs.push(verdict.input);
			onVerdict(pipeline.machineId, row, verdict);
		}
		predictor.step(ids, inputs);
	}
}
