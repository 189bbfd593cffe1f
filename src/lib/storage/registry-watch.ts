/**
 * Storage: the registry as a whole, kept in memory for those who follow it, in this context and in all others.
 *
 * In: what each context says it has written, over a broadcast channel. Out: all machines and sensors after every change. The tables are
 * read once, however many follow: of a plant whose hundred thousand machines report for the first time only what is new is
 * taken up. What was added travels with the news; what was changed or removed is read, so that news of several contexts
 * that cross on their way end in what is stored.
 */
import { splitSensorId, type MachineId, type MachineRecord, type SensorId, type SensorRecord } from '../contracts';

export interface RegistryNews {
	/** Added. */
	readonly machines: readonly MachineRecord[];
	readonly sensors: readonly SensorRecord[];
	/** Changed or removed. */
	readonly machineIds: readonly MachineId[];
	readonly sensorIds: readonly SensorId[];
}

export interface RegistryReader {
	all(): PromiseLike<{ machines: MachineRecord[]; sensors: SensorRecord[] }>;
	/** In the order asked for; undefined: not there. */
	some(
		machineIds: readonly MachineId[],
		sensorIds: readonly SensorId[]
	): PromiseLike<{ machines: (MachineRecord | undefined)[]; sensors: (SensorRecord | undefined)[] }>;
}

/** What is known of a machine and its sensors. */
interface Entry {
	readonly id: MachineId;
	machine?: MachineRecord;
	/** In the order of their ids. */
	sensors: SensorRecord[];
}

type Listener = (machines: MachineRecord[], sensors: SensorRecord[]) => void;

/** Telling of a large registry takes at most this share of a context's time. */
const TELL_SHARE = 0.05;
const RETRY_MS = 1_000;

export class RegistryWatch {
	readonly #listeners = new Set<Listener>();
	/** Those who have not been told anything yet. */
	readonly #fresh = new Set<Listener>();
	readonly #channel: BroadcastChannel;
	readonly #entries = new Map<MachineId, Entry>();
	/** Those told of before, in the order of ids; what has come since is sorted on its own and merged in. */
	#ordered: Entry[] = [];
	#fallenOut = false;
	#added: Entry[] = [];
	/** Of the tables as they were when reading began and since. */
	#news: RegistryNews[] = [];
	/** Raised when nobody follows any more: what is being read then is for nobody. */
	#round = 0;
	#isLoaded = false;
	#isReading = false;
	#isDirty = false;
	#timer: ReturnType<typeof setTimeout> | undefined;

	constructor(
		databaseName: string,
		private readonly reader: RegistryReader,
		private readonly isClosed: () => boolean
	) {
		this.#channel = new BroadcastChannel(`${databaseName}-registry`);
		this.#channel.onmessage = (event: MessageEvent<RegistryNews>) => this.#hear(event.data);
		// In Node an open channel would keep the process.
		(this.#channel as { unref?: () => void }).unref?.();
	}

	/** Calls back soon and after every change. Returns unsubscribe. */
	add(listener: Listener): () => void {
		const own: Listener = (machines, sensors) => listener(machines, sensors);
		this.#listeners.add(own);
		this.#fresh.add(own);
		if (this.#isLoaded) queueMicrotask(() => this.#greet());
		else void this.#read();
		return () => {
			this.#listeners.delete(own);
			this.#fresh.delete(own);
			if (this.#listeners.size === 0) this.#rest();
		};
	}

	/** What this context has written. */
	tell(news: RegistryNews): void {
		const { machines, sensors, machineIds, sensorIds } = news;
		if (machines.length + sensors.length + machineIds.length + sensorIds.length === 0 || this.isClosed()) return;
		this.#channel.postMessage(news);
		this.#hear(news);
	}

	close(): void {
		this.#listeners.clear();
		this.#rest();
		this.#channel.close();
	}

	#rest(): void {
		this.#round++;
		clearTimeout(this.#timer);
		this.#timer = undefined;
		this.#entries.clear();
		this.#ordered = [];
		this.#added = [];
		this.#fallenOut = false;
		this.#news = [];
		this.#isLoaded = this.#isReading = this.#isDirty = false;
	}

	#hear(news: RegistryNews): void {
		if (this.#listeners.size === 0) return;
		this.#news.push(news);
		void this.#read();
	}

	/** Takes up everything at first, then what the news say, one after another. */
	async #read(): Promise<void> {
		if (this.#isReading) return;
		this.#isReading = true;
		const round = this.#round;
		try {
			if (!this.#isLoaded) {
				const found = await this.reader.all();
				if (round !== this.#round) return;
				for (const machine of found.machines) this.#entry(machine.id).machine = machine;
				for (const sensor of found.sensors) this.#put(sensor);
				this.#isLoaded = this.#isDirty = true;
			}
			while (this.#news.length > 0) {
				const news = this.#news;
				this.#news = [];
				for (const { machines, sensors } of news) this.#takeAdded(machines, sensors);
				const machineIds = [...new Set(news.flatMap((one) => one.machineIds))];
				const sensorIds = [...new Set(news.flatMap((one) => one.sensorIds))];
				this.#isDirty = true;
				if (machineIds.length + sensorIds.length === 0) continue;
				try {
					const { machines, sensors } = await this.reader.some(machineIds, sensorIds);
					if (round !== this.#round) return;
					machines.forEach((machine, i) => {
						if (machine) this.#entry(machine.id).machine = machine;
						else this.#dropMachine(machineIds[i]!);
					});
					sensors.forEach((sensor, i) => (sensor ? this.#put(sensor) : this.#drop(sensorIds[i]!)));
				} catch (error) {
					if (round === this.#round) this.#news.unshift({ machines: [], sensors: [], machineIds, sensorIds });
					throw error;
				}
			}
		} catch {
			// A dropped connection: read again, unless the store was closed on purpose.
			if (round === this.#round && !this.isClosed()) setTimeout(() => void this.#read(), RETRY_MS);
		} finally {
			if (round === this.#round) {
				this.#isReading = false;
				if (this.#isDirty && this.#timer === undefined) this.#publish();
			}
		}
	}

	/** Only what is not known: news of a later change may have come first. */
	#takeAdded(machines: readonly MachineRecord[], sensors: readonly SensorRecord[]): void {
		for (const machine of machines) this.#entry(machine.id).machine ??= machine;
		for (const sensor of sensors)
			if (!this.#entry(sensor.machineId).sensors.some(({ id }) => id === sensor.id)) this.#put(sensor);
	}

	#entry(id: MachineId): Entry {
		let entry = this.#entries.get(id);
		if (!entry) {
			entry = { id, sensors: [] };
			this.#entries.set(id, entry);
			this.#added.push(entry);
		}
		return entry;
	}

	#put(sensor: SensorRecord): void {
		const own = this.#entry(sensor.machineId).sensors;
		let at = own.length;
		while (at > 0 && own[at - 1]!.id >= sensor.id) at--;
		own.splice(at, own[at]?.id === sensor.id ? 1 : 0, sensor);
	}

	#dropMachine(id: MachineId): void {
		const entry = this.#entries.get(id);
		if (!entry) return;
		delete entry.machine;
		this.#tidy(entry);
	}

	#drop(sensorId: SensorId): void {
		const entry = this.#entries.get(splitSensorId(sensorId).machineId);
		if (!entry) return;
		entry.sensors = entry.sensors.filter(({ id }) => id !== sensorId);
		this.#tidy(entry);
	}

	#tidy(entry: Entry): void {
		if (entry.machine || entry.sensors.length > 0) return;
		this.#entries.delete(entry.id);
		this.#fallenOut = true;
	}

	/** Tells everybody, the more seldom the longer it takes. */
	#publish(): void {
		this.#isDirty = false;
		const begin = performance.now();
		this.#fresh.clear();
		this.#call([...this.#listeners]);
		const took = performance.now() - begin;
		if (took < 10) return;
		this.#timer = setTimeout(() => {
			this.#timer = undefined;
			if (this.#isDirty) this.#publish();
		}, took / TELL_SHARE);
	}

	#greet(): void {
		if (!this.#isLoaded || this.#fresh.size === 0) return;
		const fresh = [...this.#fresh];
		this.#fresh.clear();
		this.#call(fresh);
	}

	#call(listeners: readonly Listener[]): void {
		const machines: MachineRecord[] = [];
		const sensors: SensorRecord[] = [];
		for (const entry of this.#inOrder()) {
			if (entry.machine) machines.push(entry.machine);
			for (const sensor of entry.sensors) sensors.push(sensor);
		}
		for (const listener of listeners) if (this.#listeners.has(listener)) listener(machines.slice(), sensors.slice());
	}

	#inOrder(): readonly Entry[] {
		if (this.#fallenOut) {
			const isThere = (entry: Entry) => this.#entries.get(entry.id) === entry;
			this.#ordered = this.#ordered.filter(isThere);
			this.#added = this.#added.filter(isThere);
			this.#fallenOut = false;
		}
		if (this.#added.length === 0) return this.#ordered;
		const added = this.#added.sort((a, b) => (a.id < b.id ? -1 : 1));
		const before = this.#ordered;
		const merged: Entry[] = [];
		let next = 0;
		for (const entry of added) {
			while (next < before.length && before[next]!.id < entry.id) merged.push(before[next++]!);
			merged.push(entry);
		}
		while (next < before.length) merged.push(before[next++]!);
		this.#added = [];
		return (this.#ordered = merged);
	}
}
