/**
 * State: the health of the data itself: what came in, what was refused and why, which sensors are silent, how much is stored.
 *
 * In: counters and readings of the live channel, the intake log, the registry and storage. Out: plain figures for the Data
 * screen; deleting a machine.
 */
import {
	intakeReasons,
	MAPPING_KEY,
	splitSensorId,
	toPlainError,
	type EpochMs,
	type IntakeExample,
	type IntakeReason,
	type MachineId,
	type MachineRecord,
	type PlainError,
	type ReadingBatch,
	type SensorId,
	type SensorRecord,
	type SourceMapping
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { FreshnessTracker } from '../plant/freshness';
import { live } from '../app/live.svelte';

const refreshMs = 5_000;
/** Rates are counted over this much of the past. */
const rateWindowMs = 120_000;
/** Until a machine's usual interval is known. */
const unknownStaleMs = 60_000;

export interface ReasonCount {
	readonly reason: IntakeReason;
	readonly count: number;
	readonly last?: IntakeExample;
}

export interface LatestValue {
	readonly time: EpochMs;
	readonly value: number;
	readonly quality: number;
}

export interface MachineFreshness {
	readonly machine: MachineRecord;
	readonly sensors: readonly SensorRecord[];
	readonly lastAt: EpochMs | undefined;
	/** Older than this the last value is stale. */
	readonly staleAfterMs: number;
}

export type StoreStatistics = Awaited<ReturnType<Store['series']['statistics']>>;

export class DataHealth {
	loading = $state(true);
	problem = $state.raw<PlainError | undefined>(undefined);
	reasons = $state.raw<readonly ReasonCount[]>([]);
	statistics = $state.raw<StoreStatistics | undefined>(undefined);
	machines = $state.raw<readonly MachineRecord[]>([]);
	sensors = $state.raw<readonly SensorRecord[]>([]);
	latest = $state.raw<ReadonlyMap<SensorId, LatestValue>>(new Map());
	/** Readings per second of the sensors of the chosen machine, from what is stored. */
	rates = $state.raw<ReadonlyMap<SensorId, number>>(new Map());
	mapping = $state.raw<SourceMapping | undefined>();
	chosen = $state<MachineId | undefined>(undefined);

	readonly fleet = $derived.by<readonly MachineFreshness[]>(() => {
		const byMachine = new Map<MachineId, SensorRecord[]>();
		for (const sensor of this.sensors)
			byMachine.set(sensor.machineId, [...(byMachine.get(sensor.machineId) ?? []), sensor]);
		return this.machines.map((machine) => {
			const sensors = byMachine.get(machine.id) ?? [];
			const times = sensors.flatMap((sensor) => this.latest.get(sensor.id)?.time ?? []);
			const lastAt = times.length > 0 ? Math.max(...times) : undefined;
			return { machine, sensors, lastAt, staleAfterMs: this.#tracked.get(machine.id)?.staleAfterMs ?? unknownStaleMs };
		});
	});
	readonly chosenMachine = $derived(this.fleet.find(({ machine }) => machine.id === this.chosen));

	/** Usual intervals, learnt from what comes while the screen is open. */
	#tracked = new Map<MachineId, FreshnessTracker>();
	#store: Store | undefined;
	#refresh: (() => void) | undefined;

	attach(store: Store, now: () => EpochMs): () => void {
		this.#store = store;
		let ended = false;
		let latestTurn = 0;
		let timer: ReturnType<typeof setTimeout> | undefined;
		const turn = async () => {
			const mine = ++latestTurn;
			clearTimeout(timer);
			const overtaken = () => ended || mine !== latestTurn;
			try {
				await this.#read(store, now(), overtaken);
				if (!overtaken()) this.problem = undefined;
			} catch (error) {
				if (!overtaken()) this.problem = toPlainError(error);
			}
			if (overtaken()) return;
			this.loading = false;
			timer = setTimeout(() => void turn(), refreshMs);
		};
		this.#refresh = () => void turn();
		const unwatch = store.registry.watch((machines, sensors) => {
			this.machines = [...machines].sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
			const unread = this.sensors.length < sensors.length;
			this.sensors = sensors;
			// The newest values of sensors just heard of are read at once, not at the next turn.
			if (unread) void turn();
		});
		const unwatchMapping = store.settings.watch<SourceMapping>(MAPPING_KEY, (mapping) => (this.mapping = mapping));
		const unhear = live.on('readings', ({ batch }) => this.#track(batch));
		void turn();
		return () => {
			ended = true;
			clearTimeout(timer);
			unwatch();
			unwatchMapping();
			unhear();
			this.#store = undefined;
			this.#refresh = undefined;
		};
	}

	choose(machineId: MachineId | undefined): void {
		this.chosen = machineId;
		this.rates = new Map();
		this.#refresh?.();
	}

	async deleteMachine(machineId: MachineId): Promise<void> {
		try {
			await this.#store?.series.deleteMachine(machineId);
			if (this.chosen === machineId) this.chosen = undefined;
			this.problem = undefined;
		} catch (error) {
			this.problem = toPlainError(error);
		}
		this.#refresh?.();
	}

	async clearIntakeLog(): Promise<void> {
		await this.#store?.intakeLog.clear().catch((error: unknown) => (this.problem = toPlainError(error)));
		this.#refresh?.();
	}

	#track(batch: ReadingBatch): void {
		const trackers = batch.sensorIds.map((sensorId) => {
			const { machineId } = splitSensorId(sensorId);
			const tracker = this.#tracked.get(machineId) ?? new FreshnessTracker();
			this.#tracked.set(machineId, tracker);
			return tracker;
		});
		batch.series.forEach((series, i) => trackers[series]?.observe(batch.times[i]!));
	}

	async #read(store: Store, now: EpochMs, isOvertaken: () => boolean): Promise<void> {
		const [log, statistics, latest] = await Promise.all([
			store.intakeLog.all(),
			store.series.statistics(),
			store.series.latest(this.sensors.map((sensor) => sensor.id))
		]);
		const rates = this.chosen ? await readRates(store, this.sensors, this.chosen, latest, now) : new Map();
		if (isOvertaken()) return;
		this.reasons = mergeReasons(log, live.intake?.byReason ?? {});
		this.statistics = statistics;
		this.latest = latest;
		this.rates = rates;
	}
}

/** The log is written every so often, live counters are newer: the larger of the two is the truth. */
export function mergeReasons(
	log: Partial<Record<IntakeReason, { count: number; last?: IntakeExample }>>,
	counted: Partial<Record<IntakeReason, { readonly count: number; readonly last?: IntakeExample }>>
): readonly ReasonCount[] {
	return intakeReasons
		.map((reason) => {
			const [stored, fresh] = [log[reason], counted[reason]];
			const newer = (fresh?.last?.at ?? -1) >= (stored?.last?.at ?? -1) ? fresh?.last : stored?.last;
			return { reason, count: Math.max(stored?.count ?? 0, fresh?.count ?? 0), last: newer };
		})
		.filter(({ count }) => count > 0)
		.sort((a, b) => b.count - a.count);
}

/** Readings per second of each sensor over the last two minutes of its own data. */
async function readRates(
	store: Store,
	sensors: readonly SensorRecord[],
	machineId: MachineId,
	latest: ReadonlyMap<SensorId, LatestValue>,
	now: EpochMs
): Promise<Map<SensorId, number>> {
	const sensorIds = sensors.filter((sensor) => sensor.machineId === machineId).map((sensor) => sensor.id);
	const to = Math.min(now, Math.max(0, ...sensorIds.map((id) => latest.get(id)?.time ?? 0)));
	const slices = await store.series.query({ sensorIds, from: to - rateWindowMs, to });
	return new Map(
		slices.map((slice) => {
			const first = slice.times[0];
			const last = slice.times.at(-1);
			const spanMs = first === undefined || last === undefined ? 0 : last - first;
			return [slice.sensorId, spanMs > 0 ? ((slice.times.length - 1) * 1000) / spanMs : 0];
		})
	);
}
