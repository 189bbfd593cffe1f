/** Sparkplug over a reload or another connection: what comes by alias is stored where it belongs, waits for a birth, or is left out and counted. */
import { beforeEach, describe, expect, it } from 'vitest';
import { GroupCommit } from '$lib/acquisition/group-commit';
import { Intake } from '$lib/acquisition/intake';
import { IntakeTally } from '$lib/acquisition/intake-tally';
import { NOW } from './collect';
import { float, number, payload, type MetricSpec } from './protobuf-writer';
import { keptEdgeNodes, MemoryStore } from './world';

const topic = (type: string, device?: string) => `spBv1.0/rotterdam/${type}/edge-1${device ? `/${device}` : ''}`;
const FLOW: MetricSpec = { name: 'flow', alias: 7, type: 9, unit: 'l/min', value: float(12, 1) };
const HEAT: MetricSpec = { name: 'heat', alias: 8, type: 2, value: number(10, 20) };
const byAlias = (alias: number, value: number): MetricSpec => ({ alias, value: float(12, value) });

let store: MemoryStore;
let kept: ReturnType<typeof keptEdgeNodes>;
beforeEach(() => {
	store = new MemoryStore();
	kept = keptEdgeNodes();
});

/** A page as it is after loading: it knows what was kept. */
async function load(mostHeldAcknowledgements = 100) {
	const asked: string[] = [];
	const tally = new IntakeTally(NOW);
	const ignore = () => undefined;
	const commit = new GroupCommit(store, { committed: ignore, failing: ignore, refused: ignore });
	const intake = new Intake(commit, tally, {
		origin: 'live',
		mostHeldAcknowledgements: () => mostHeldAcknowledgements,
		ask: (to) => asked.push(to)
	});
	intake.edgeNodes.load(await kept.all());
	const send = (to: string, bytes: Uint8Array, receivedAt: number, safe?: () => void) =>
		intake.take({ topic: to, payload: bytes, retain: false, receivedAt }, safe);
	/** Births of the edge node and of its pump. */
	const born = (at: number, metrics = [FLOW, HEAT], bdSeq = 1) => {
		send(topic('NBIRTH'), payload(at, 0, [{ name: 'bdSeq', type: 4, value: number(11, bdSeq) }]), at);
		send(topic('DBIRTH', 'pump'), payload(at, 1, metrics), at);
	};
	const data = (seq: number, at: number, metrics: MetricSpec[], safe?: () => void) =>
		send(topic('DDATA', 'pump'), payload(at, seq, metrics), at, safe);
	/** As the owner of the source does from time to time. */
	const keep = async (at: number) => {
		const changes = intake.edgeNodes.takeChanges(at);
		if (changes) await kept.save(changes);
	};
	const missed = () => tally.counters(NOW, 0).byReason['sequence-gap'];
	return { intake, commit, asked, send, born, data, keep, missed };
}

/** A page that has heard births and, every ten seconds, data up to number 30; then it goes. */
async function firstPage() {
	const page = await load();
	page.born(NOW);
	for (let seq = 2; seq <= 30; seq++) page.data(seq, NOW + seq * 10_000, [byAlias(7, seq)]);
	await page.keep(NOW + 302_000);
	await page.commit.flush();
	return NOW + 300_000;
}
const flow = () => store.seriesOf('rotterdam/edge-1/pump:flow');
const heat = () => store.seriesOf('rotterdam/edge-1/pump:heat');

describe('after a reload', () => {
	it('goes on at once where the number shows that nothing was missed', async () => {
		const last = await firstPage();
		const page = await load();
		page.data(31, last + 10_000, [byAlias(7, 31), { alias: 8, value: number(10, 0xffff) }]);
		page.data(32, last + 20_000, [byAlias(7, 32)]);
		await page.commit.flush();
		expect(flow().slice(-2)).toEqual([
			[last + 10_000, 31],
			[last + 20_000, 32]
		]);
		// The sign is told by the type of the kept birth.
		expect(heat().at(-1)).toEqual([last + 10_000, -1]);
		expect(page.asked).toEqual([]);
		expect(page.missed()).toBeUndefined();
	});

	it('holds what comes after a gap, unacknowledged, until the rebirth it asks for, and stores it at its own time', async () => {
		const last = await firstPage();
		const page = await load();
		let acknowledged = 0;
		const safe = () => acknowledged++;
		page.data(35, last + 50_000, [byAlias(7, 35)], safe);
		page.data(36, last + 50_500, [byAlias(7, 36)], safe);
		await page.commit.flush();
		expect(flow().at(-1)).toEqual([last, 30]);
		expect(acknowledged).toBe(0);
		expect(page.asked).toEqual(['spBv1.0/rotterdam/NCMD/edge-1']);
		page.born(last + 51_000);
		await page.commit.flush();
		expect(flow().slice(-3)).toEqual([
			[last + 50_000, 35],
			[last + 50_500, 36],
			[last + 51_000, 1]
		]);
		expect(acknowledged).toBe(2);
		expect(page.missed()).toMatchObject({
			count: 1,
			last: { message: 'rotterdam/edge-1: number 31 expected, 35 came' }
		});
	});

	it('leaves out what births disagree about rather than store it under the wrong sensor', async () => {
		const last = await firstPage();
		const page = await load();
		let acknowledged = 0;
		page.data(35, last + 50_000, [byAlias(7, 35), { alias: 8, value: number(10, 35) }], () => acknowledged++);
		page.born(last + 51_000, [FLOW, { ...HEAT, name: 'pressure' }]);
		page.data(2, last + 52_000, [{ alias: 8, value: number(10, 4) }]);
		await page.commit.flush();
		expect(flow()).toContainEqual([last + 50_000, 35]);
		expect(heat()).toEqual([[NOW, 20]]);
		expect(store.seriesOf('rotterdam/edge-1/pump:pressure')).toEqual([
			[last + 51_000, 20],
			[last + 52_000, 4]
		]);
		expect(acknowledged).toBe(1);
		expect(page.missed()).toMatchObject({ count: 2, last: { message: /alias 8 is unknown.*disagree.*left out/ } });
	});

	it('gives up when no birth comes: what has a name is stored, the rest left out with a reason, all acknowledged', async () => {
		const last = await firstPage();
		const page = await load();
		let acknowledged = 0;
		const named: MetricSpec = { name: 'speed', type: 9, value: float(12, 3) };
		page.data(35, last + 50_000, [byAlias(7, 35), named], () => acknowledged++);
		page.intake.giveUpHeld(last + 79_000);
		await page.commit.flush();
		expect(acknowledged).toBe(0);
		page.intake.giveUpHeld(last + 81_000);
		await page.commit.flush();
		expect(acknowledged).toBe(1);
		expect(store.seriesOf('rotterdam/edge-1/pump:speed')).toEqual([[last + 50_000, 3]]);
		expect(flow().at(-1)).toEqual([last, 30]);
		expect(page.missed()!.last!.message).toMatch(/NCMD/);
	});

	it.each<[string, number, number]>([
		['the numbers can have gone round', 31, 1_300_000],
		['the node can have been born again and have counted so far', 31, 160_000],
		['it is the same number again', 30, 10_000]
	])('does not trust a number when %s', async (_, seq, afterMs) => {
		const last = await firstPage();
		const page = await load();
		page.data(seq, last + afterMs, [byAlias(7, 99)]);
		await page.commit.flush();
		expect(flow().at(-1)).toEqual([last, 30]);
		expect(page.asked).toHaveLength(1);
	});

	it('forgets births of a node whose death came meanwhile, also one of a birth that was missed', async () => {
		const last = await firstPage();
		const page = await load();
		page.send(
			topic('NDEATH'),
			payload(last + 1_000, undefined, [{ name: 'bdSeq', type: 4, value: number(11, 2) }]),
			last + 1_000
		);
		page.data(31, last + 10_000, [byAlias(7, 31)]);
		await page.keep(last + 20_000);
		await page.commit.flush();
		expect(flow().at(-1)).toEqual([last, 30]);
		expect(await kept.all()).toEqual([]);
	});

	it('waits for the birth of the device, not only of the edge node, and for a second one of both', async () => {
		const last = await firstPage();
		const page = await load();
		page.data(35, last + 50_000, [byAlias(7, 35)]);
		page.send(topic('NBIRTH'), payload(last + 51_000, 0, []), last + 51_000);
		await page.commit.flush();
		expect(flow().at(-1)).toEqual([last, 30]);
		page.born(last + 52_000);
		await page.commit.flush();
		expect(flow()).toContainEqual([last + 50_000, 35]);
	});

	it('keeps what is known through a reload before any birth', async () => {
		const last = await firstPage();
		const second = await load();
		second.data(35, last + 50_000, [byAlias(7, 35)]);
		await second.keep(last + 52_000);
		const third = await load();
		third.data(38, last + 80_000, [byAlias(7, 38)]);
		third.born(last + 81_000);
		await third.commit.flush();
		expect(flow()).toContainEqual([last + 80_000, 38]);
	});

	it('holds no more unacknowledged messages than it may; the others are left out and counted', async () => {
		const last = await firstPage();
		const page = await load(2);
		let acknowledged = 0;
		for (let n = 0; n < 5; n++) page.data(35 + n, last + 50_000 + n, [byAlias(7, n)], () => acknowledged++);
		await page.commit.flush();
		expect(acknowledged).toBe(3);
		page.born(last + 51_000);
		await page.commit.flush();
		expect(acknowledged).toBe(5);
		expect(flow().filter(([time]) => time >= last + 50_000 && time < last + 51_000)).toHaveLength(2);
		expect(page.missed()!.count).toBe(1 + 3);
	});
});

it('does the same when a connection is renewed while the page stays', async () => {
	const page = await load();
	page.born(NOW);
	page.data(2, NOW + 1_000, [byAlias(7, 2)]);
	page.intake.edgeNodes.doubt();
	page.data(5, NOW + 4_000, [byAlias(7, 5)]);
	page.intake.edgeNodes.doubt();
	page.data(9, NOW + 8_000, [byAlias(7, 9)]);
	await page.commit.flush();
	expect(flow().at(-1)).toEqual([NOW + 1_000, 2]);
	page.born(NOW + 9_000);
	await page.commit.flush();
	expect(flow().map(([, value]) => value)).toEqual([1, 2, 5, 9, 1]);
});

it('knows the types of the members of a template from its birth', async () => {
	const page = await load();
	const { bytes, metric } = await import('./protobuf-writer');
	const motor = (member: MetricSpec) => bytes(18, bytes(2, metric(member)));
	page.born(NOW, [
		{ name: 'motor', alias: 9, type: 19, value: motor({ name: 'torque', type: 2, value: number(10, 5) }) }
	]);
	page.data(2, NOW + 1_000, [{ alias: 9, value: motor({ name: 'torque', value: number(10, 0xfffe) }) }]);
	await page.commit.flush();
	expect(store.seriesOf('rotterdam/edge-1/pump:motor.torque')).toEqual([
		[NOW, 5],
		[NOW + 1_000, -2]
	]);
	expect(page.missed()).toBeUndefined();
});
