/**
 * Data Acquisition: commits readings in groups and acknowledges each message only after its group is durable.
 *
 * In: readings, new machines and sensors, and what to call once a message is safe. Out: calls of the store, acknowledgements,
 * committed batches. One commit at a time; while it runs the next group gathers, so the group size follows the load; the first ones are small.
 */
import {
	MillwrightError,
	toPlainError,
	type EpochMs,
	type MachineRecord,
	type PlainError,
	type ReadingBatch,
	type SensorId,
	type SensorRecord,
	type Waveform
} from '../contracts';
import type { CommitReceipt, ReadingStore } from './ports';
import { BatchNumbers, lacksMemory, ReadingColumns } from './columns';

/** A reading waits at most about this long for company. */
const GATHER_MS = 100;
/** More readings are not gathered: by then a commit costs as much as two halves of it. */
const READINGS_AT_ONCE = 65_536;
/**
 * Messages and readings that a group may gather beside a commit: four times as many after each full one. A tablet that has just
 * started commits and acknowledges a little at once rather than everything too late.
 */
const FIRST_ALLOWED = 2_048;
const MOST_ALLOWED = 4 * READINGS_AT_ONCE;
/**
 * With this many acknowledgements held the broker may have stopped sending: Mosquitto lets 20 messages fly unless told otherwise.
 * When nothing comes for `STALL_MS` it has, and gathering longer would bring nothing.
 */
const HELD_ACKS = 8;
const STALL_MS = 5;
/** A person may be waiting for the end of what keeps storage from writing: never longer than two seconds. */
const RETRY_MS = [250, 500, 1_000, 2_000];
/** A batch that storage calls invalid this often is given up, so that it does not block everything after it. */
const INVALID_ATTEMPTS = 3;
/** Where there is no memory to commit a group at once, ever smaller parts of it are; no smaller than this. */
const LEAST_AT_ONCE = 1_024;
const NO_MEMORY: PlainError = {
	code: 'internal',
	message: 'There is no memory left for all that has come at once: it is stored in smaller parts'
};

export interface CommitListener {
	committed(batch: ReadingBatch, receipt: CommitReceipt): void;
	/** Storage failed; the group is kept and tried again, until `undefined` says that it works again. */
	failing(problem: PlainError | undefined): void;
	/** The store calls this group invalid: it is dropped. */
	refused(readings: number, problem: PlainError): void;
}

interface Committed {
	readonly batch: ReadingBatch;
	readonly receipt: CommitReceipt;
}

class Group {
	readonly afterCommit: (() => void)[] = [];
	readonly machines = new Map<string, MachineRecord>();
	readonly sensors = new Map<SensorId, SensorRecord>();
	readonly waveforms: Waveform[] = [];
	messages = 0;
	receivedAt: EpochMs = 0;
	/** It has gathered long enough. */
	ripe = false;

	constructor(readonly columns: ReadingColumns) {}

	get weight(): number {
		return this.messages + this.columns.length;
	}

	get empty(): boolean {
		return this.messages === 0 && this.columns.length === 0 && this.machines.size === 0 && this.sensors.size === 0;
	}
}

export class GroupCommit {
	readonly #numbers = new BatchNumbers();
	#group = new Group(new ReadingColumns(this.#numbers));
	#running: Promise<void> | undefined;
	#inFlightMessages = 0;
	#inFlightReadings = 0;
	#inFlightAcks = 0;
	/** Unacknowledged messages at which the broker was last seen to stop; unknown while it goes on sending past every number. */
	#window = Infinity;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#stallTimer: ReturnType<typeof setTimeout> | undefined;
	/** What a group may weigh while a commit runs. */
	#allowed = FIRST_ALLOWED;
	#closed = false;
	#lacksMemory = false;
	/** Told whenever a commit has begun or ended: what waits outside may come. */
	onRoom: (() => void) | undefined;
	#wake: (() => void) | undefined;

	constructor(
		private readonly store: ReadingStore,
		private readonly listener: CommitListener
	) {}

	get pendingMessages(): number {
		return this.#group.messages + this.#inFlightMessages;
	}

	/** False: what comes now would wait long; it had better wait outside. */
	get hasRoom(): boolean {
		return !this.#running || this.#group.weight < this.#allowed;
	}

	get pendingReadings(): number {
		return this.#group.columns.length + this.#inFlightReadings;
	}

	/** There was no memory for a reading since the last commit: what its message holds must come again. */
	get lacksMemory(): boolean {
		return this.#lacksMemory;
	}

	/** False: there is no memory for it; its message must not be acknowledged. */
	push(sensorIndex: number, sensorId: SensorId, time: EpochMs, value: number, quality: number): boolean {
		if (this.#group.columns.push(sensorIndex, sensorId, time, value, quality)) return true;
		this.#lacksMemory = true;
		return false;
	}

	/** Kept with the readings pushed for the same message. */
	keepWaveform(waveform: Waveform): void {
		this.#group.waveforms.push(waveform);
	}

	register(machine: MachineRecord | undefined, sensor: SensorRecord | undefined): void {
		if (machine) this.#group.machines.set(machine.id, machine);
		if (sensor) this.#group.sensors.set(sensor.id, sensor);
	}

	/** Ends a message whose readings were pushed; `safe` is called when they are durable. */
	endMessage(receivedAt: EpochMs, safe?: () => void): void {
		const group = this.#group;
		group.messages++;
		if (receivedAt > group.receivedAt) group.receivedAt = receivedAt;
		this.#timer ??= setTimeout(() => {
			this.#timer = undefined;
			this.#group.ripe = true;
			this.#startIfDue();
		}, GATHER_MS);
		if (safe) {
			const held = group.afterCommit.push(safe) + this.#inFlightAcks;
			if (held > this.#window) this.#window = Infinity;
			if (held >= HELD_ACKS) this.#watchForStall();
		}
		this.#startIfDue();
	}

	#startIfDue(): void {
		if (this.#running) return;
		const { afterCommit, columns, ripe, weight } = this.#group;
		if (ripe || afterCommit.length >= this.#window || columns.length >= READINGS_AT_ONCE || weight >= this.#allowed)
			this.#start();
	}

	/** Looks whether messages still come; when none does while acknowledgements are held, the broker waits for them. */
	#watchForStall(): void {
		if (this.#stallTimer !== undefined || this.#window !== Infinity) return;
		const group = this.#group;
		const { messages } = group;
		this.#stallTimer = setTimeout(() => {
			this.#stallTimer = undefined;
			// What is being committed is about to be acknowledged.
			if (group !== this.#group || this.#running) return;
			if (messages !== group.messages) return this.#watchForStall();
			this.#window = group.afterCommit.length;
			this.#startIfDue();
		}, STALL_MS);
	}

	/** Resolves when everything pushed so far is durable, also where more keeps coming. */
	async flush(): Promise<void> {
		const group = this.#group;
		while (!group.empty && group === this.#group && !this.#closed) {
			if (!this.#running) this.#start();
			await this.#running;
		}
		await this.#running;
	}

	/** Commits what is pending, giving up after `limitMs`; what is not committed is not acknowledged. */
	async close(limitMs = 5_000): Promise<void> {
		let timer: ReturnType<typeof setTimeout> | undefined;
		await Promise.race([this.flush(), new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)))]);
		clearTimeout(timer);
		clearTimeout(this.#timer);
		clearTimeout(this.#stallTimer);
		this.#closed = true;
		this.#wake?.();
	}

	#start(): void {
		if (this.#running || this.#closed || this.#group.empty) return;
		clearTimeout(this.#timer);
		this.#timer = undefined;
		this.#running = this.#run().finally(() => {
			this.#running = undefined;
			if (this.#closed) return;
			this.#startIfDue();
			if (!this.#running && this.#group.afterCommit.length >= HELD_ACKS) this.#watchForStall();
			this.onRoom?.();
		});
	}

	async #run(): Promise<void> {
		const group = this.#group;
		// Groups are of like size: as much room as this one took.
		this.#group = new Group(new ReadingColumns(this.#numbers, Math.min(group.columns.length, READINGS_AT_ONCE)));
		this.#inFlightMessages = group.messages;
		this.#inFlightReadings = group.columns.length;
		this.#inFlightAcks = group.afterCommit.length;
		const last = await this.#commit(group);
		this.#lacksMemory = false;
		if (2 * group.weight >= this.#allowed) this.#allowed = Math.min(MOST_ALLOWED, 4 * this.#allowed);
		this.#inFlightMessages = 0;
		this.#inFlightReadings = 0;
		this.#inFlightAcks = 0;
		if (last === 'closed') return;
		for (const safe of group.afterCommit) safe();
		if (last) this.listener.committed(last.batch, last.receipt);
	}

	/** Tries until all of it is durable, in one go if it can be. Returns the last part, which nobody has been told of yet. */
	async #commit(group: Group): Promise<Committed | undefined | 'closed'> {
		const { columns, machines, sensors, waveforms, receivedAt } = group;
		let last: Committed | undefined;
		let from = 0;
		let most = columns.length;
		for (let attempt = 0; ; attempt++) {
			try {
				if (from === 0) {
					if (machines.size > 0 || sensors.size > 0)
						await this.store.registry.upsert([...machines.values()], [...sensors.values()]);
					if (waveforms.length > 0) await this.store.waveforms?.put(waveforms);
				}
				while (from < columns.length) {
					const batch = columns.toBatch(receivedAt, from, most);
					const receipt = await this.store.series.append(batch);
					from += batch.times.length;
					if (last) this.listener.committed(last.batch, last.receipt);
					last = { batch, receipt };
				}
				if (attempt > 0) this.listener.failing(undefined);
				return last;
			} catch (error) {
				const isNoMemory = lacksMemory(error);
				const problem = isNoMemory ? NO_MEMORY : toPlainError(error);
				if (error instanceof MillwrightError && problem.code === 'invalid-input' && attempt + 1 >= INVALID_ATTEMPTS) {
					this.listener.failing(undefined);
					this.listener.refused(columns.length - from, problem);
					return last;
				}
				if (isNoMemory) most = Math.max(LEAST_AT_ONCE, most >> 1);
				this.listener.failing(problem);
				if (this.#closed) return 'closed';
				await this.#pause(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]!);
				if (this.#closed) return 'closed';
			}
		}
	}

	#pause(ms: number): Promise<void> {
		return new Promise((resolve) => {
			const timer = setTimeout(resolve, ms);
			this.#wake = () => {
				clearTimeout(timer);
				resolve();
			};
		});
	}
}
