/**
 * What the page knows of one machine, field by field reactive, so that a change redraws one tile and nothing else.
 * Written by the fleet alone, at most twice a second.
 */
import type {
	Alarm,
	EpochMs,
	HealthGrade,
	HealthReport,
	MachineId,
	MachineRecord,
	Presence,
	Prognosis,
	RiskOfMachine,
	RulOfMachine,
	SensorRecord
} from '$lib/contracts';
import { clock } from '../app/clock.svelte';
import { outlookOf } from './outlook';
import { FreshnessTracker, isStale } from '../plant/freshness';
import { SparkBins, sparkBinMs, sparkSpanMs, type SparkPoint } from '../plant/spark-bins';

/** What was said at the end of a day holds until the next one is half over. */
const freshDayMs = 36 * 3_600_000;

export class MachineState {
	readonly id: MachineId;
	readonly #freshness = new FreshnessTracker();
	/** Made with the first point: most machines of a very large plant have no model and never get one. */
	#sparkBins: SparkBins | undefined;
	#record: MachineRecord;
	#sensors = $state.raw<readonly SensorRecord[]>([]);
	#report = $state.raw<HealthReport | undefined>();
	#prognosis = $state.raw<Prognosis | undefined>();
	#life = $state.raw<RulOfMachine | undefined>();
	#risk = $state.raw<RiskOfMachine | undefined>();
	#alarms = $state.raw<readonly Alarm[]>([]);
	#lastAt = $state<EpochMs | undefined>();
	#staleAfterMs = $state(0);
	#spark = $state.raw<readonly SparkPoint[]>([]);
	/** Span of time scored, newest stretch only: what the anomaly rate divides by. */
	#scoredFrom: EpochMs | undefined;

	constructor(record: MachineRecord) {
		this.id = record.id;
		this.#record = $state.raw(record);
	}

	get record(): MachineRecord {
		return this.#record;
	}
	get name(): string {
		return this.#record.path.machine;
	}
	/** Where it stands: "utilities / cooling-water"; empty when the source names no levels above the machine. */
	get place(): string {
		const { area, line } = this.#record.path;
		return [area, line].filter(Boolean).join(' / ');
	}
	/** A recording that was imported: past, not late. */
	get recorded(): boolean {
		return this.#record.origin === 'import';
	}
	get sensors(): readonly SensorRecord[] {
		return this.#sensors;
	}
	get report(): HealthReport | undefined {
		return this.#report;
	}
	get grade(): HealthGrade {
		return this.#report?.grade ?? 'unknown';
	}
	get anomalous(): boolean {
		return this.#report?.anomalous ?? false;
	}
	get stale(): boolean {
		return isStale(this.#lastAt, this.#staleAfterMs, clock.now);
	}
	/** From its health: the trend, or likeness to known failures. */
	get prognosis(): Prognosis | undefined {
		return this.#prognosis;
	}
	/** By a remaining-life model that was promoted to it or its class. */
	get life(): RulOfMachine | undefined {
		return this.#life;
	}
	/** By a failure classifier that was promoted to it or its class. */
	get risk(): RiskOfMachine | undefined {
		return this.#risk;
	}
	/** What a promoted remaining-life model says of the present. */
	get lifeNow(): Prognosis | undefined {
		return this.#life && lifeSpeaks(this.#life, this.recorded, clock.now) ? this.#life.prognosis : undefined;
	}
	/** What a promoted failure classifier says of the present. */
	get riskNow(): RiskOfMachine | undefined {
		return this.#risk && riskSpeaks(this.#risk, this.recorded, this.stale, clock.now) ? this.#risk : undefined;
	}
	/** What its future is told by: the graver of its promoted models while one speaks, else its health. */
	get outlook(): Prognosis | undefined {
		return outlookOf(this.lifeNow, this.riskNow?.prognosis, this.#prognosis);
	}
	/** What a promoted model lacks to say anything of it. */
	get unsaid(): string | undefined {
		return this.#life?.prognosis.missing ?? this.#risk?.prognosis.missing;
	}
	get index(): number {
		return this.#report?.index ?? NaN;
	}
	/** Open alarms, the worst first. */
	get alarms(): readonly Alarm[] {
		return this.#alarms;
	}
	/** The worst open alarm. */
	get alarm(): Alarm | undefined {
		return this.#alarms[0];
	}
	/** A failure is expected: what is told of it stands in an open alarm. */
	get failureExpected(): boolean {
		return this.#alarms.some(({ kind, returnedAt }) => kind === 'failure-expected' && returnedAt === undefined);
	}
	get lastAt(): EpochMs | undefined {
		return this.#lastAt;
	}
	get staleAfterMs(): number {
		return this.#staleAfterMs;
	}
	get online(): boolean {
		return !this.recorded && !this.stale && !this.offline;
	}
	/** Set where the source itself says that the machine is gone: since when, and who says so. */
	get offline(): Presence | undefined {
		const { presence } = this.#record;
		return presence?.online === false && !this.recorded ? presence : undefined;
	}
	/** Health over the last half hour. */
	get spark(): readonly SparkPoint[] {
		return this.#spark;
	}
	/** The sparkline reaches back as far as it can. */
	get sparkFilled(): boolean {
		const first = this.#spark[0];
		return first !== undefined && first.time <= Date.now() - sparkSpanMs + 2 * sparkBinMs;
	}
	get scoredFrom(): EpochMs | undefined {
		return this.#scoredFrom;
	}

	takeRecord(record: MachineRecord): void {
		this.#record = record;
	}

	takeSensors(records: readonly SensorRecord[]): void {
		// Said to have no unit ("1"): then none is shown.
		const sensors = records.map((record) => (record.unit === '1' ? { ...record, unit: undefined } : record));
		if (sensors.length !== this.#sensors.length || sensors.some((sensor, i) => !sameSensor(sensor, this.#sensors[i])))
			this.#sensors = sensors;
	}

	takeAlarms(alarms: readonly Alarm[]): void {
		if (alarms.length > 0 || this.#alarms.length > 0) this.#alarms = alarms;
	}

	/** Sample times in order of arrival; call `settleFreshness` once they are all in. */
	observe(time: EpochMs): void {
		this.#freshness.observe(time);
	}

	settleFreshness(): void {
		this.#lastAt = this.#freshness.lastAt;
		this.#staleAfterMs = this.#freshness.staleAfterMs;
	}

	takePrognosis(prognosis: Prognosis): void {
		this.#prognosis = prognosis;
	}

	takeLife(life: RulOfMachine | undefined): void {
		if (life !== this.#life) this.#life = life;
	}

	takeRisk(risk: RiskOfMachine | undefined): void {
		if (risk !== this.#risk) this.#risk = risk;
	}

	takeReport(report: HealthReport): void {
		this.#report = report;
		if (!Number.isFinite(report.index)) return;
		this.#scoredFrom = Math.min(this.#scoredFrom ?? report.time, report.time);
		this.#sparkBins ??= new SparkBins();
		if (this.#sparkBins.add(report.time, report.index)) this.#spark = this.#sparkBins.points();
	}

	/** Stored health, to draw the sparkline before the first live report. */
	takeHistory(times: Float64Array, health: Float64Array): void {
		if (times.length === 0) return;
		this.#sparkBins ??= new SparkBins();
		for (let i = 0; i < times.length; i++) {
			if (!Number.isFinite(health[i]!)) continue;
			this.#sparkBins.add(times[i]!, health[i]!);
			this.#scoredFrom = Math.min(this.#scoredFrom ?? times[i]!, times[i]!);
		}
		this.#spark = this.#sparkBins.points();
	}
}

/** It has figures, and they are of the present: of a machine that goes on, from one of its last three steps. */
export function lifeSpeaks({ prognosis, stepHours }: RulOfMachine, recorded: boolean, now: EpochMs): boolean {
	return prognosis.rulHours !== undefined && (recorded || now - prognosis.time <= 3 * stepHours * 3_600_000);
}

/** It has figures, and they are of the present: of its last day, or of readings that still come. */
export function riskSpeaks({ prognosis }: RiskOfMachine, recorded: boolean, silent: boolean, now: EpochMs): boolean {
	if (!prognosis.eventProbability) return false;
	return recorded || (prognosis.tellsUpToHours === 0 ? !silent : now - prognosis.time <= freshDayMs);
}

function sameSensor(a: SensorRecord, b: SensorRecord | undefined): boolean {
	return b !== undefined && a.id === b.id && a.unit === b.unit && a.kind === b.kind && a.resolution === b.resolution;
}
