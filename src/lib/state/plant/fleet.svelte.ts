/**
 * All machines of the open workspace and the plant's figures.
 *
 * In: the registry, alarms and spans by storage watches, readings and verdicts by the live channel. Out: one
 * `MachineState` each, the plant's name, alarms, anomaly rate, spans for the timeline. What comes in is gathered and
 * taken up at most twice a second, verdicts at most ten times, one machine's once a sample.
 */
import {
	derivedSeries,
	isOpen,
	sensorIdOf,
	splitSensorId,
	toPlainError,
	type Alarm,
	type AlarmPriority,
	type AnomalySpan,
	type EpochMs,
	type HealthReport,
	type MachineId,
	type MachineRecord,
	type PlainError,
	type ReadingBatch,
	type RiskOfMachine,
	type RulOfMachine,
	type SensorId,
	type SensorRecord
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { SvelteMap } from 'svelte/reactivity';
import { anomalyRate, type AnomalyRate } from '../machine/anomaly-rate';
import { clock } from '../app/clock.svelte';
import { groupBy } from './group-by';
import { live } from '../app/live.svelte';
import { MachineState } from '../machine/machine-state.svelte';
import { compareIds, priorityOrder } from './rank';
import { noFigures, sameFigures, summarise, type FleetFigures } from './fleet-summary';
import { measureStorage } from '../app/measure-storage';
import { sparkBinMs, sparkSpanMs } from './spark-bins';
import type { StorageUse } from '../app/system-health';

/** Ages and the like are taken up no more often than this; a machine's verdict as soon as the last one is this old. */
const flushMs = 500;
const verdictFlushMs = 100;
const spansEveryMs = 10_000;
/** Scoring may be catching up with stored readings: for this long after opening, short sparklines are read again. */
const catchUpMs = 5 * 60_000;
const storageEveryMs = 60_000;
export const rateSpanMs = 3_600_000;
/** Spans are kept for the longest timeline. */
export const longestTimelineMs = 24 * 3_600_000;
/** Machines per history query at start, so that the first tiles are drawn early. */
const historyBatch = 40;

export interface AlarmCount {
	readonly priority: AlarmPriority;
	readonly open: number;
	/** Of these, seen by nobody yet. */
	readonly waiting: number;
}

class Fleet {
	#machines = new SvelteMap<MachineId, MachineState>();
	#list = $state.raw<readonly MachineState[]>([]);
	#worstFirst = $state.raw<readonly MachineState[]>([]);
	#figures = $state.raw<FleetFigures>(noFigures);
	/** Summing up takes at most a tenth of the page's time, however many machines there are. */
	#summariseAt = 0;
	#alarms = $state.raw<readonly Alarm[]>([]);
	#spans = $state.raw<readonly AnomalySpan[]>([]);
	#storage = $state.raw<StorageUse | undefined>();
	#loaded = $state(false);
	#problem = $state.raw<PlainError | undefined>();
	#rate = $state.raw<AnomalyRate>({ share: NaN, anomalousMs: 0, watchedMs: 0, machines: 0 });

	#store: Store | undefined;
	#machineOfSensor = new Map<SensorId, MachineId>();
	#touched = new Set<MachineState>();
	#reports = new Map<MachineId, HealthReport>();
	/** What remaining-life models say, also of machines that are not known yet. */
	#outlooks = new Map<MachineId, RulOfMachine>();
	/** The same of failure classifiers. */
	#risks = new Map<MachineId, RiskOfMachine>();
	#flushTimer: ReturnType<typeof setTimeout> | undefined;
	#flushAt = Infinity;
	/** Readings of machines that the registry does not know yet. */
	#early = new Map<MachineId, EpochMs[]>();

	/** True once the registry has been read. */
	get loaded(): boolean {
		return this.#loaded;
	}
	/** Why stored history could not be read; live values go on. */
	get problem(): PlainError | undefined {
		return this.#problem;
	}
	/** In order of their ids. */
	get machines(): readonly MachineState[] {
		return this.#list;
	}
	/** As of the last summary. */
	get worstFirst(): readonly MachineState[] {
		return this.#worstFirst;
	}
	get figures(): FleetFigures {
		return this.#figures;
	}
	/** Open alarms and those of today. */
	get alarms(): readonly Alarm[] {
		return this.#alarms;
	}
	readonly alarmCounts: readonly AlarmCount[] = $derived(
		priorityOrder.map((priority) => {
			const open = this.#alarms.filter((alarm) => isOpen(alarm) && alarm.priority === priority);
			const waiting = open.filter(
				({ state }) => state === 'unacknowledged' || state === 'returned-unacknowledged'
			).length;
			return { priority, open: open.length, waiting };
		})
	);
	readonly alarmsToday = $derived.by(() => {
		const midnight = new Date(clock.now).setHours(0, 0, 0, 0);
		return this.#alarms.filter((alarm) => alarm.raisedAt >= midnight);
	});
	get spans(): readonly AnomalySpan[] {
		return this.#spans;
	}
	/** Over the last hour. */
	get rate(): AnomalyRate {
		return this.#rate;
	}
	get storage(): StorageUse | undefined {
		return this.#storage;
	}
	get(id: MachineId): MachineState | undefined {
		return this.#machines.get(id);
	}

	/** Follows a store until the returned function is called. */
	follow(store: Store): () => void {
		this.#reset();
		this.#store = store;
		const known = new Set<MachineId>();
		const openedAt = Date.now();
		const ends = [
			store.registry.watch((machines, sensors) => {
				this.#takeRegistry(machines, sensors);
				const fresh = machines.filter(({ id }) => !known.has(id));
				for (const { id } of fresh) known.add(id);
				// What is met while the page is open has no past that was not heard.
				const older = fresh.filter(({ firstSeen, origin }) => firstSeen < openedAt || origin !== 'live');
				if (older.length > 0) void this.#loadHistory(store, older, sensors);
			}),
			store.alarms.watch((alarms) => this.#takeAlarms(alarms)),
			store.rulModels.watchOutlooks((outlooks) => this.#takeOutlooks(outlooks)),
			store.riskModels.watchOutlooks((risks) => this.#takeRisks(risks)),
			live.on('readings', ({ batch }) => this.#hearReadings(batch)),
			live.on('verdicts', ({ reports, prognoses = [] }) => {
				this.#hearReports(reports);
				for (const prognosis of prognoses) this.#machines.get(prognosis.machineId)?.takePrognosis(prognosis);
			})
		];
		const timers = [
			setInterval(() => {
				void this.#loadSpans();
				if (Date.now() - openedAt > catchUpMs) return;
				const short = this.#list
					.filter(({ sparkFilled, report }) => !sparkFilled && report && report.unscored !== 'no-model')
					.map(({ record }) => record);
				if (short.length > 0) void this.#loadHealth(store, short);
			}, spansEveryMs),
			setInterval(() => void this.#measureStorage().catch(() => undefined), storageEveryMs),
			// Machines fall silent without anything being heard.
			setInterval(() => this.#summarise(), 1_000)
		];
		void this.#loadSpans();
		void this.#measureStorage().catch(() => undefined);
		return () => {
			for (const end of ends) end();
			for (const timer of timers) clearInterval(timer);
			clearTimeout(this.#flushTimer);
			this.#flushAt = Infinity;
			if (this.#store === store) this.#store = undefined;
		};
	}

	#reset(): void {
		this.#machines.clear();
		this.#list = [];
		this.#worstFirst = [];
		this.#figures = noFigures;
		this.#summariseAt = 0;
		this.#alarms = [];
		this.#spans = [];
		this.#loaded = false;
		this.#problem = undefined;
		this.#rate = { share: NaN, anomalousMs: 0, watchedMs: 0, machines: 0 };
		this.#machineOfSensor.clear();
		this.#touched.clear();
		this.#reports.clear();
		this.#outlooks.clear();
		this.#risks.clear();
		this.#early.clear();
	}

	#takeRegistry(machines: readonly MachineRecord[], sensors: readonly SensorRecord[]): void {
		const sensorsOf = groupBy(sensors, (sensor) => sensor.machineId);
		let changed = !this.#loaded;
		for (const record of machines) {
			let machine = this.#machines.get(record.id);
			if (!machine) {
				machine = new MachineState(record);
				this.#machines.set(record.id, machine);
				changed = true;
				for (const time of this.#early.get(record.id) ?? []) machine.observe(time);
				machine.settleFreshness();
				machine.takeLife(this.#outlooks.get(record.id));
				machine.takeRisk(this.#risks.get(record.id));
				this.#early.delete(record.id);
			} else machine.takeRecord(record);
			machine.takeSensors(sensorsOf.get(record.id) ?? []);
		}
		const ids = new Set(machines.map(({ id }) => id));
		for (const id of [...this.#machines.keys()])
			if (!ids.has(id)) {
				this.#machines.delete(id);
				changed = true;
			}
		if (changed) this.#list = [...this.#machines.values()].sort((a, b) => compareIds(a.id, b.id));
		this.#loaded = true;
		this.#placeAlarms();
		if (this.#reports.size > 0) this.#schedule();
	}

	#takeOutlooks(outlooks: readonly RulOfMachine[]): void {
		this.#outlooks = new Map(outlooks.map((outlook) => [outlook.machineId, outlook]));
		for (const machine of this.#machines.values()) machine.takeLife(this.#outlooks.get(machine.id));
	}

	#takeRisks(risks: readonly RiskOfMachine[]): void {
		this.#risks = new Map(risks.map((risk) => [risk.machineId, risk]));
		for (const machine of this.#machines.values()) machine.takeRisk(this.#risks.get(machine.id));
	}

	#takeAlarms(alarms: readonly Alarm[]): void {
		this.#alarms = alarms;
		this.#placeAlarms();
	}

	#placeAlarms(): void {
		// Which sensor says what comes before what is expected of it.
		const rank = ({ priority, kind }: Alarm) =>
			2 * priorityOrder.indexOf(priority) + (kind === 'failure-expected' ? 1 : 0);
		const worstFirst = this.#alarms.filter(isOpen).sort((a, b) => rank(a) - rank(b));
		const open = groupBy(worstFirst, ({ machineId }) => machineId);
		for (const machine of this.#machines.values()) machine.takeAlarms(open.get(machine.id) ?? []);
		this.#summarise();
	}

	/** Order and figures over all machines: kept here rather than derived, as a hundred thousand machines change all the time. */
	#summarise(): void {
		const begin = performance.now();
		if (begin < this.#summariseAt) return;
		const { order, figures } = summarise(this.#list, this.#figures.health.grade);
		if (order.length !== this.#worstFirst.length || order.some((machine, i) => machine !== this.#worstFirst[i]))
			this.#worstFirst = order;
		if (!sameFigures(figures, this.#figures)) this.#figures = figures;
		const end = performance.now();
		this.#summariseAt = end + Math.max(0, end - begin - 5) * 10;
	}

	#hearReadings(batch: ReadingBatch): void {
		const machineIds = batch.sensorIds.map((sensorId) => this.#machineIdOf(sensorId));
		const machines = machineIds.map((id) => this.#machines.get(id));
		let last: MachineState | undefined;
		for (let i = 0; i < batch.times.length; i++) {
			const machine = machines[batch.series[i]!];
			if (machine) {
				machine.observe(batch.times[i]!);
				if (machine !== last) this.#touched.add((last = machine));
			} else {
				const id = machineIds[batch.series[i]!]!;
				const early = this.#early.get(id) ?? [];
				if (early.length < 100) early.push(batch.times[i]!);
				this.#early.set(id, early);
			}
		}
		this.#schedule();
	}

	#hearReports(reports: readonly HealthReport[]): void {
		let flipped = false;
		for (const report of reports) {
			this.#reports.set(report.machineId, report);
			flipped ||= this.#machines.get(report.machineId)?.anomalous !== report.anomalous;
		}
		this.#schedule(verdictFlushMs);
		if (flipped) void this.#loadSpans();
	}

	#schedule(within = flushMs): void {
		const at = performance.now() + within;
		if (at >= this.#flushAt) return;
		clearTimeout(this.#flushTimer);
		this.#flushAt = at;
		this.#flushTimer = setTimeout(() => {
			this.#flushAt = Infinity;
			this.#flush();
		}, within);
	}

	#flush(): void {
		for (const machine of this.#touched) machine.settleFreshness();
		this.#touched.clear();
		for (const [id, report] of this.#reports) {
			const machine = this.#machines.get(id);
			if (!machine) continue;
			machine.takeReport(report);
			this.#reports.delete(id);
		}
		this.#summarise();
	}

	async #loadHistory(
		store: Store,
		machines: readonly MachineRecord[],
		sensors: readonly SensorRecord[]
	): Promise<void> {
		try {
			const own = new Set(machines.map(({ id }) => id));
			const latest = await store.series.latest(
				sensors.filter(({ machineId }) => own.has(machineId)).map(({ id }) => id)
			);
			if (this.#store !== store) return;
			for (const [sensorId, { time }] of latest) {
				const machine = this.#machines.get(this.#machineIdOf(sensorId));
				machine?.observe(time);
				if (machine) this.#touched.add(machine);
			}
			this.#flush();
			await this.#loadHealth(store, machines);
		} catch (error) {
			if (this.#store === store) this.#problem = toPlainError(error);
		}
	}

	async #loadHealth(store: Store, machines: readonly MachineRecord[]): Promise<void> {
		try {
			const to = Date.now();
			const recorded = machines.filter(({ origin }) => origin === 'import');
			for (const { id } of recorded) await this.#loadRecordedHealth(store, id);
			machines = machines.filter(({ origin }) => origin !== 'import');
			for (let i = 0; i < machines.length; i += historyBatch) {
				const sensorIds = machines.slice(i, i + historyBatch).map(({ id }) => sensorIdOf(id, derivedSeries.health));
				const slices = await store.series.query({
					sensorIds,
					from: to - rateSpanMs,
					to,
					maxPoints: (2 * sparkSpanMs) / sparkBinMs
				});
				if (this.#store !== store) return;
				for (const slice of slices)
					this.#machines.get(splitSensorId(slice.sensorId).machineId)?.takeHistory(slice.times, slice.min);
			}
			this.#updateRate();
		} catch (error) {
			if (this.#store === store) this.#problem = toPlainError(error);
		}
	}

	/** A recording's sparkline ends where the recording does. */
	async #loadRecordedHealth(store: Store, id: MachineId): Promise<void> {
		const machine = this.#machines.get(id);
		const to = machine?.lastAt;
		if (to === undefined) return;
		const sensorIds = [sensorIdOf(id, derivedSeries.health)];
		const points = sparkSpanMs / sparkBinMs;
		const [slice] = await store.series.query({ sensorIds, from: to - sparkSpanMs, to: to + 1, maxPoints: points });
		if (slice && this.#store === store) machine?.takeHistory(slice.times, slice.min);
	}

	async #loadSpans(): Promise<void> {
		const store = this.#store;
		if (!store) return;
		try {
			const now = Date.now();
			const spans = await store.spans.list({ from: now - longestTimelineMs, to: now });
			if (this.#store !== store) return;
			this.#spans = spans;
			this.#problem = undefined;
			this.#updateRate();
		} catch (error) {
			if (this.#store === store) this.#problem = toPlainError(error);
		}
	}

	#updateRate(): void {
		const now = Date.now();
		const watched = this.#list.flatMap((machine) =>
			machine.scoredFrom !== undefined
				? [{ id: machine.id, from: machine.scoredFrom, to: machine.report?.time ?? machine.lastAt ?? now }]
				: []
		);
		this.#rate = anomalyRate(this.#spans, watched, now - rateSpanMs, now);
	}

	async #measureStorage(): Promise<void> {
		const store = this.#store;
		const storage = await measureStorage(store);
		if (this.#store === store) this.#storage = storage;
	}

	#machineIdOf(sensorId: SensorId): MachineId {
		let id = this.#machineOfSensor.get(sensorId);
		if (id === undefined) {
			id = splitSensorId(sensorId).machineId;
			this.#machineOfSensor.set(sensorId, id);
		}
		return id;
	}
}

export const fleet = new Fleet();
