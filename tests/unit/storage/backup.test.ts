/** Backup and restore: what comes back is what was there; a file that is torn, altered or foreign changes nothing. */
import 'fake-indexeddb/auto';
import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Alarm, FileProgress, MachineRecord, ModelVersion, SensorRecord, WorkspaceName } from '$lib/contracts';
import { checkBackup, openStore, restoreBackup, writeBackup, type Store } from '$lib/storage';
import { Sha256 } from '$lib/storage/backup/sha256';
import { parse, stringify } from '$lib/storage/backup/tagged-json';
import { batchOf, type Row } from './open-store';

const day = Date.UTC(2026, 0, 5);
let opened: Store[] = [];
async function open(workspace: WorkspaceName): Promise<Store> {
	const store = await openStore(workspace, { autoSeal: false, now: () => day });
	opened.push(store);
	return store;
}
afterEach(async () => {
	for (const store of opened) store.close();
	opened = [];
	for (const workspace of ['plant', 'demo'] as const) await (await openStore(workspace)).destroy();
});

const machine: MachineRecord = {
	id: 'r/u/pump',
	path: { plant: 'r', area: 'u', machine: 'pump' },
	origin: 'live',
	firstSeen: day
};
const sensor = (name: string): SensorRecord => ({
	id: `r/u/pump:${name}`,
	machineId: machine.id,
	name,
	kind: 'flow',
	firstSeen: day
});
const alarm = {
	id: 'a1',
	machineId: machine.id,
	state: 'acknowledged',
	raisedAt: day,
	reason: 'flow is low'
} as unknown as Alarm;
const version = { id: 'm1', spec: { kind: 'lstm-predictor' }, createdAt: day } as unknown as ModelVersion;

async function fill(store: Store): Promise<void> {
	await store.registry.upsert([machine], [sensor('flow'), sensor('temp')]);
	const rows: Row[] = [];
	for (let i = 0; i < 8000; i++) {
		rows.push(['r/u/pump:flow', day + i * 1000, Math.sin(i / 10)]);
		if (i % 7 === 0) rows.push(['r/u/pump:temp', day + i * 1000, i / 8, i % 2]);
	}
	await store.series.append(batchOf(rows));
	await store.series.seal({ all: true });
	await store.series.append(
		batchOf([
			['r/u/pump:flow', day + 9e6, Number.NaN, 2],
			['r/u/pump:flow', day + 9e6 + 0.25, -0],
			['r/u/fan:speed', day, 7]
		])
	);
	await store.models.save({ version, weights: Uint8Array.of(1, 2, 3).buffer });
	await store.models.assign(machine.id, 'm1');
	await store.alarms.update('a1', () => alarm);
	await store.spans.put({ id: 's1', machineId: machine.id, start: day, end: day + 5 } as never);
	await store.verdicts.update('a1', () => ({
		id: 'a1',
		machineId: machine.id,
		start: day,
		peakScore: 2,
		contributors: [],
		entries: [{ at: day, by: 'Ana', outcome: 'known-cause', cause: 'weather', note: 'storm' }]
	}));
	await store.settings.setSource({
		kind: 'broker',
		broker: {
			url: 'wss://op:hidden@broker:8884/mqtt',
			protocolVersion: 5,
			username: 'op',
			password: 'hidden-too',
			topicFilter: '#',
			qos: 1
		}
	});
	await store.settings.set('mqtt-session', { clientId: 'tablet-1' });
	await store.settings.set('plant-name', 'Rotterdam');
	await store.intakeLog.record('invalid-json', 3, { topic: 't', payload: '{', at: day, message: 'cut off' });
}

const everything = { from: -1e15, to: 1e15 };
async function contentOf(store: Store) {
	const sensorIds = ['r/u/pump:flow', 'r/u/pump:temp', 'r/u/fan:speed'];
	const models = await store.models.versions();
	return {
		raw: await store.series.query({ sensorIds, ...everything }),
		minutes: await store.series.query({ sensorIds, from: day, to: day + 8e6, maxPoints: 20 }),
		latest: await store.series.latest(sensorIds),
		extent: await store.series.extent(machine.id),
		statistics: await store.series.statistics(),
		machines: await store.registry.machines(),
		sensors: await store.registry.sensors(),
		models,
		weights: await Promise.all(models.map(async ({ id }) => new Uint8Array((await store.models.load(id)).weights))),
		assigned: await store.models.assignment(machine.id),
		alarms: await store.alarms.list({}),
		spans: await store.spans.list(everything),
		verdicts: await store.verdicts.list(),
		plantName: await store.settings.get('plant-name'),
		log: await store.intakeLog.all()
	};
}

async function backupOf(workspace: WorkspaceName, onProgress?: (progress: FileProgress) => void): Promise<Buffer> {
	const pieces: Uint8Array[] = [];
	await writeBackup(workspace, (bytes) => void pieces.push(bytes), {
		now: () => day,
		...(onProgress && { onProgress })
	});
	return Buffer.concat(pieces);
}
const blob = (bytes: Uint8Array) => new Blob([bytes as Uint8Array<ArrayBuffer>]);

describe('backup and restore', () => {
	it('brings back everything, in another workspace too, and goes on from there', async () => {
		const plant = await open('plant');
		await fill(plant);
		const steps: FileProgress[] = [];
		const file = await backupOf('plant', (progress) => steps.push(progress));
		expect(steps.at(-1)).toEqual({ done: file.length, total: file.length, of: 'bytes' });
		const about = await checkBackup(blob(file));
		expect(about).toMatchObject({ workspace: 'plant', createdAt: day, machines: 1, sensors: 2, models: 1, alarms: 1 });
		expect(about).toMatchObject({ readings: 8000 + 1143 + 3, from: day, to: day + 9e6 + 0.25 });

		const seen: FileProgress[] = [];
		await restoreBackup('demo', blob(file), { onProgress: (progress) => seen.push(progress) });
		expect(seen.at(-1)).toEqual({ done: file.length, total: file.length, of: 'bytes' });
		const demo = await open('demo');
		expect(await contentOf(demo)).toEqual(await contentOf(plant));

		// The restored store takes new readings in their place, and knows old ones.
		const receipt = await demo.series.append(
			batchOf([
				['r/u/pump:flow', day, 0],
				['r/u/pump:flow', day + 9e6 + 500, 3],
				['r/u/new:speed', day, 1]
			])
		);
		expect(receipt).toMatchObject({ stored: 2, duplicates: 1 });
		await demo.series.seal({ all: true });
		const [flow, fresh] = await demo.series.query({ sensorIds: ['r/u/pump:flow', 'r/u/new:speed'], ...everything });
		expect([flow!.times.length, fresh!.times.length]).toEqual([8003, 1]);
	});

	it('replaces what was there, whoever has it open', async () => {
		const plant = await open('plant');
		await fill(plant);
		const file = await backupOf('plant');
		const before = await contentOf(plant);
		await plant.series.append(batchOf([['r/u/pump:flow', day + 2e7, 5]]));
		await plant.registry.remove(machine.id);
		const closed: string[] = [];
		const other = await openStore('plant', { onClosed: (error) => closed.push(error.message) });
		opened.push(other);
		await restoreBackup('plant', blob(file));
		expect(closed.join()).toMatch(/replaced from a backup/);
		await expect(other.series.latest([])).rejects.toMatchObject({ code: 'storage-unavailable' });
		expect(await contentOf(await open('plant'))).toEqual(before);
	});

	it('holds no password; the tablet keeps its own for the same broker, and its own session', async () => {
		const plant = await open('plant');
		await fill(plant);
		const file = await backupOf('plant');
		expect(file.includes('hidden')).toBe(false);
		expect(file.includes('tablet-1')).toBe(false);
		await restoreBackup('demo', blob(file));
		const elsewhere = await open('demo');
		expect(await elsewhere.settings.source()).toMatchObject({
			broker: { url: 'wss://broker:8884/mqtt', username: 'op' }
		});
		expect(await elsewhere.settings.source()).not.toHaveProperty('broker.password');
		await restoreBackup('plant', blob(file));
		const here = await open('plant');
		expect(await here.settings.source()).toMatchObject({ broker: { password: 'hidden-too' } });
		expect(await here.settings.get('mqtt-session')).toEqual({ clientId: 'tablet-1' });
	});

	it('leaves a segment out that is damaged on disk, and keeps the rest', async () => {
		const plant = await open('plant');
		await fill(plant);
		const { openDatabase } = await import('$lib/storage/database');
		const database = await openDatabase('millwright-plant');
		const [key] = await database.segments.toCollection().primaryKeys();
		await database.segments.put(Uint8Array.of(1, 2, 3), key);
		database.close();
		const pieces: Uint8Array[] = [];
		const { leftOut } = await writeBackup('plant', (bytes) => void pieces.push(bytes));
		expect(leftOut).toBe(1);
		await restoreBackup('demo', blob(Buffer.concat(pieces)));
		expect(await (await open('demo')).registry.machines()).toHaveLength(1);
	});

	it('cancels without a trace, writing and restoring', async () => {
		await fill(await open('plant'));
		const file = await backupOf('plant');
		const abort = new AbortController();
		await expect(writeBackup('plant', () => abort.abort(), { signal: abort.signal })).rejects.toMatchObject({
			code: 'aborted'
		});
		const demo = await open('demo');
		await demo.settings.set('plant-name', 'Before');
		const late = new AbortController();
		const onProgress = ({ done, total }: FileProgress) => {
			if (done > total / 2) late.abort();
		};
		await expect(restoreBackup('demo', blob(file), { signal: late.signal, onProgress })).rejects.toMatchObject({
			code: 'aborted'
		});
		expect(await (await open('demo')).settings.get('plant-name')).toBe('Before');
	});
});

describe('a file that is not right', () => {
	const cases = async () => {
		await fill(await open('plant'));
		const file = await backupOf('plant');
		const demo = await open('demo');
		await demo.settings.set('plant-name', 'Before');
		await demo.series.append(batchOf([['x:y', day, 1]]));
		demo.close();
		return file;
	};
	const unchanged = async () => {
		const demo = await open('demo');
		expect(await demo.settings.get('plant-name')).toBe('Before');
		expect(await demo.registry.machines()).toEqual([]);
		expect((await demo.series.latest(['x:y'])).get('x:y')).toMatchObject({ value: 1 });
		demo.close();
	};

	it('is refused whole with the reason, wherever it is cut or altered', async () => {
		const file = await cases();
		const bad = fc.oneof(
			fc.nat(file.length - 1).map((at) => ({ bytes: file.subarray(0, at), says: /cut off|empty|not a Millwright/ })),
			fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, flip]) => {
				const bytes = Buffer.from(file);
				bytes[at]! ^= flip;
				return { bytes, says: /damaged|altered|not a Millwright|cut off|newer version|no JSON/ };
			}),
			fc.uint8Array({ minLength: 1, maxLength: 20 }).map((more) => ({
				bytes: Buffer.concat([file, more]),
				says: /added after its end/
			}))
		);
		await fc.assert(
			fc.asyncProperty(bad, async ({ bytes, says }) => {
				await expect(checkBackup(blob(bytes))).rejects.toMatchObject({
					code: 'invalid-file',
					message: expect.stringMatching(says)
				});
			}),
			{ numRuns: 150 }
		);
		await fc.assert(
			fc.asyncProperty(bad, async ({ bytes, says }) => {
				await expect(restoreBackup('demo', blob(bytes))).rejects.toMatchObject({
					code: 'invalid-file',
					message: expect.stringMatching(says)
				});
				await unchanged();
			}),
			{ numRuns: 12 }
		);
	});

	it('is refused when its last byte is missing, though all rows were read', async () => {
		const file = await cases();
		await expect(restoreBackup('demo', blob(file.subarray(0, -1)))).rejects.toThrow(/cut off/);
		await unchanged();
	});

	it('is refused when it is of another kind', async () => {
		await cases();
		for (const [bytes, says] of [
			[Buffer.from('time,flow\n1,2\n'), /not a Millwright backup/],
			[randomBytes(5000), /not a Millwright backup/],
			[Buffer.alloc(0), /empty/],
			[Buffer.concat([Buffer.from('MWBACKUP'), Buffer.from([9, 0, 0, 0])]), /newer version/]
		] as const) {
			await expect(restoreBackup('demo', blob(bytes))).rejects.toThrow(says);
			await unchanged();
		}
	});
});

it('hashes as SHA-256 does, in pieces of any size', () => {
	fc.assert(
		fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 6 }), (pieces) => {
			const digest = new Sha256();
			for (const piece of pieces) digest.update(piece);
			expect(digest.hex()).toBe(createHash('sha256').update(Buffer.concat(pieces)).digest('hex'));
		})
	);
});

it('brings any stored value through text and back', () => {
	const value = fc.anything({
		withDate: true,
		withMap: true,
		withSet: true,
		withTypedArray: true,
		withBigInt: true,
		withNullPrototype: false,
		key: fc.oneof(fc.string(), fc.constant('$'))
	});
	fc.assert(
		fc.property(value, (given) => {
			fc.pre(!/BigU?int64|Float16/i.test(Object.prototype.toString.call(given)));
			let text: string;
			try {
				text = stringify(given);
			} catch (error) {
				expect((error as Error).message).toMatch(/cannot hold/);
				return;
			}
			expect(parse(text)).toEqual(given);
		})
	);
});
