/**
 * Benchmark of the store, the part in the browser: fills databases, measures them, compares with a row per reading and with raw blocks.
 */
import Dexie from 'dexie';
import { openStore, type Store } from '$lib/storage';
import { sensorIdOf, type ReadingBatch, type SensorRecord } from '$lib/contracts';
import { createPlant } from '$simulator/index';
import { answerCalls } from '../answer-calls';

const START = 1_763_856_000_000;

/** Deterministic, roughly normal noise. */
function noise(seed: number): () => number {
	let state = seed >>> 0 || 1;
	const next = () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state / 4294967296;
	};
	return () => next() + next() + next() + next() - 2;
}

/** Messages of `machines` x `sensors`, one a second, two decimals: `rows` seconds from `from` on, in order of arrival. */
function liveBatch(machines: number, sensors: number, from: number, rows: number, random: () => number): ReadingBatch {
	const sensorIds = Array.from({ length: machines * sensors }, (_, i) =>
		sensorIdOf(`bench/hall/line/machine-${Math.floor(i / sensors)}`, `sensor-${i % sensors}`)
	);
	const width = machines * sensors;
	const count = width * rows;
	const series = new Uint32Array(count);
	const times = new Float64Array(count);
	const values = new Float64Array(count);
	for (let i = 0; i < count; i++) {
		const second = Math.floor(i / width);
		series[i] = i % width;
		times[i] = START + 1000 * (from + second);
		values[i] = Math.round(100 * (50 + (i % width) + 5 * Math.sin((from + second) / 300) + random())) / 100;
	}
	return { sensorIds, series, times, values, qualities: new Uint8Array(count), receivedAt: Date.now() };
}

async function fresh(): Promise<Store> {
	await (await openStore('plant')).destroy();
	return openStore('plant');
}

const tasks = {
	/** Live batches of 17,500 readings (250 ms at 70,000 a second), as fast as they become durable, sealing included. */
	async writes(seconds: number) {
		const store = await fresh();
		const random = noise(1);
		const batches = Array.from({ length: 40 }, (_, k) => liveBatch(500, 7, 5 * k, 5, random));
		let done = 0;
		const begin = performance.now();
		const latencies: number[] = [];
		for (let k = 0; performance.now() - begin < 1000 * seconds; k++) {
			const batch = batches[k % batches.length]!;
			const shift = 1000 * 200 * Math.floor(k / batches.length);
			if (shift > 0 && k % batches.length === 0)
				for (const one of batches) one.times.forEach((time, i) => (one.times[i] = time + 200_000));
			const before = performance.now();
			done += (await store.series.append(batch)).stored;
			latencies.push(performance.now() - before);
		}
		const appended = performance.now() - begin;
		await store.series.seal({ all: true });
		const elapsed = performance.now() - begin;
		const stats = await store.series.statistics();
		if (stats.readings !== done) throw new Error(`Stored ${stats.readings} of ${done}`);
		await store.destroy();
		latencies.sort((a, b) => a - b);
		return {
			perSecond: (1000 * done) / elapsed,
			appendPerSecond: (1000 * done) / appended,
			p95AppendMs: latencies[Math.floor(latencies.length * 0.95)]!,
			readings: done
		};
	},

	/** The same batches as rows: one object per reading in a Dexie table with the index that queries need. */
	async rowWrites(seconds: number) {
		const database = new Dexie('bench-rows', { chromeTransactionDurability: 'strict' });
		database.version(1).stores({ readings: '++, [sensor+time]' });
		await database.delete();
		await database.open();
		const random = noise(1);
		let done = 0;
		const begin = performance.now();
		for (let k = 0; performance.now() - begin < 1000 * seconds; k++) {
			const batch = liveBatch(500, 7, 5 * k, 5, random);
			const rows = Array.from(batch.times, (time, i) => ({
				sensor: batch.series[i]!,
				time,
				value: batch.values[i]!,
				quality: 0
			}));
			await database.table('readings').bulkAdd(rows);
			done += rows.length;
		}
		const elapsed = performance.now() - begin;
		await database.delete();
		return { perSecond: (1000 * done) / elapsed };
	},

	/** The same batches as one raw block each: no index by sensor, no rollups, no compression. The ceiling for writing. */
	async blockWrites(seconds: number) {
		const database = new Dexie('bench-blocks', { chromeTransactionDurability: 'strict' });
		database.version(1).stores({ blocks: '++' });
		await database.delete();
		await database.open();
		const batch = liveBatch(500, 7, 0, 5, noise(1));
		let done = 0;
		const begin = performance.now();
		while (performance.now() - begin < 1000 * seconds) {
			await database.table('blocks').add({ times: batch.times, values: batch.values, series: batch.series });
			done += batch.times.length;
		}
		const elapsed = performance.now() - begin;
		await database.delete();
		return { perSecond: (1000 * done) / elapsed, bytesPerReading: 20 };
	},

	/** The simulator's default plant at 1 Hz through the store. */
	async plant(hours: number) {
		const store = await fresh();
		const plant = createPlant({ machines: 12, seed: 7, scenario: 'demo', startTime: START, stepMs: 1000 });
		const sensors: SensorRecord[] = [];
		for (const { topic, payload } of plant.meta()) {
			const described = (payload['sensors'] ?? {}) as Record<string, { resolution?: number }>;
			const machineId = topic.replace(/\/_meta$/, '');
			for (const [name, { resolution }] of Object.entries(described))
				sensors.push({
					id: sensorIdOf(machineId, name),
					machineId,
					name,
					kind: 'other',
					firstSeen: START,
					...(resolution ? { resolution } : {})
				});
		}
		await store.registry.upsert([], sensors);
		let readings = 0;
		for (let minute = 0; minute < 60 * hours; minute += 10) {
			const index = new Map<string, number>();
			const series: number[] = [];
			const times: number[] = [];
			const values: number[] = [];
			for (let step = 0; step < 600; step++)
				for (const { topic, payload } of plant.step()) {
					const time = Number(payload['ts']);
					for (const [name, value] of Object.entries(payload)) {
						if (name === 'ts' || typeof value !== 'number') continue;
						const id = sensorIdOf(topic, name);
						let at = index.get(id);
						if (at === undefined) index.set(id, (at = index.size));
						series.push(at);
						times.push(time);
						values.push(value);
					}
				}
			const batch: ReadingBatch = {
				sensorIds: [...index.keys()],
				series: Uint32Array.from(series),
				times: Float64Array.from(times),
				values: Float64Array.from(values),
				qualities: new Uint8Array(times.length),
				receivedAt: 0
			};
			readings += (await store.series.append(batch)).stored;
			await store.series.seal({ all: true });
			// What is given back must be what came in.
			if (minute === 0) {
				const slices = await store.series.query({ sensorIds: batch.sensorIds, from: START, to: START + 1e7 });
				const sent = new Map<string, number>();
				times.forEach((time, i) => sent.set(`${batch.sensorIds[series[i]!]} ${time}`, values[i]!));
				for (const slice of slices)
					slice.times.forEach((time, i) => {
						if (sent.get(`${slice.sensorId} ${time}`) !== slice.mean[i])
							throw new Error(`${slice.sensorId} at ${time} came back changed`);
					});
			}
		}
		const stats = await store.series.statistics();
		await store.destroy();
		return { readings, bytes: stats.bytes, raw: stats.bytesByTier.raw };
	},

	/** Recorded columns through the store, checked bit for bit. Columns come as one buffer: times, then each column. */
	async recording(files: { url: string; name: string; columns: string[]; rows: number }[]) {
		const store = await fresh();
		let readings = 0;
		for (const { url, name, columns, rows } of files) {
			const all = new Float64Array(await (await fetch(url)).arrayBuffer());
			const times = all.subarray(0, rows);
			const machineId = `bench/${name}`;
			const sensorIds = columns.map((column) => sensorIdOf(machineId, column));
			for (let at = 0; at < rows; at += 20_000) {
				const count = Math.min(20_000, rows - at);
				const series = new Uint32Array(count * columns.length);
				const batchTimes = new Float64Array(count * columns.length);
				const values = new Float64Array(count * columns.length);
				for (let i = 0; i < count; i++)
					for (let c = 0; c < columns.length; c++) {
						const k = i * columns.length + c;
						series[k] = c;
						batchTimes[k] = times[at + i]!;
						values[k] = all[rows * (c + 1) + at + i]!;
					}
				const batch = {
					sensorIds,
					series,
					times: batchTimes,
					values,
					qualities: new Uint8Array(series.length),
					receivedAt: 0
				};
				readings += (await store.series.append(batch)).stored;
			}
			await store.series.seal({ all: true });
			const slices = await store.series.query({ sensorIds, from: -1e15, to: 1e15 });
			slices.forEach((slice, c) => {
				const wanted = new Map(Array.from(times, (time, i) => [time, all[rows * (c + 1) + i]!]));
				if (slice.times.length !== new Set(times).size)
					throw new Error(`${name} ${columns[c]}: ${slice.times.length} rows of ${rows}`);
				if (new Set(times).size === rows)
					slice.times.forEach((time, i) => {
						if (!Object.is(wanted.get(time), slice.mean[i]))
							throw new Error(`${name} ${columns[c]} came back changed at ${time}`);
					});
			});
		}
		const stats = await store.series.statistics();
		await store.destroy();
		return { readings, bytes: stats.bytes, raw: stats.bytesByTier.raw };
	},

	/** 30 days of a machine at 1 Hz: the overview at 1,000 points and raw hours at random places. */
	async queries(sensors: number) {
		let store = await fresh();
		const random = noise(5);
		const days = 30;
		for (let second = 0; second < days * 86_400; second += 7200) {
			await store.series.append(liveBatch(1, sensors, second, 7200, random));
			if (second % 86_400 === 0) await store.series.seal({ all: true });
		}
		await store.series.seal({ all: true });
		const stats = await store.series.statistics();
		store.close();
		store = await openStore('plant');
		const sensorIds = [sensorIdOf('bench/hall/line/machine-0', 'sensor-0')];
		const timed = async (from: number, to: number, maxPoints?: number) => {
			const before = performance.now();
			const [slice] = await store.series.query({ sensorIds, from, to, ...(maxPoints ? { maxPoints } : {}) });
			return {
				ms: performance.now() - before,
				points: slice!.times.length,
				count: slice!.counts.reduce((a, b) => a + b, 0)
			};
		};
		const end = START + days * 86_400_000;
		const first = await timed(START, end - 1, 1000);
		if (first.count !== days * 86_400)
			throw new Error(`The overview counts ${first.count} of ${days * 86_400} readings`);
		const warm: number[] = [];
		// Each a little panned, as a person does, so that no answer is the one before.
		for (let i = 0; i < 30; i++) warm.push((await timed(START + 60_000 * i, end - 1 - 60_000 * i, 1000)).ms);
		const hours: number[] = [];
		const places = noise(9);
		for (let i = 0; i < 40; i++) {
			const from = START + Math.floor(((places() + 2) / 4) * (days - 1) * 86_400) * 1000;
			const hour = await timed(from, from + 3_599_000);
			if (hour.points !== 3600) throw new Error(`A raw hour has ${hour.points} points`);
			hours.push(hour.ms);
		}
		await store.destroy();
		const median = (list: number[]) => list.sort((a, b) => a - b)[list.length >> 1]!;
		return {
			cold30dMs: first.ms,
			points: first.points,
			warm30dMs: median(warm),
			rawHourMs: median(hours),
			rawHourWorstMs: hours[hours.length - 1]!,
			bytesPerReading: stats.bytes / stats.readings
		};
	}
};

answerCalls(tasks);
