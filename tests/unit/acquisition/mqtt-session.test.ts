/** The MQTT session against a real Mosquitto: acknowledged only when safe, redelivered after a kill, every trouble named. */
import mqtt, { type MqttClient } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import type { BrokerSettings, LinkStatus } from '$lib/contracts';
import { GroupCommit } from '$lib/acquisition/group-commit';
import { Intake } from '$lib/acquisition/intake';
import { IntakeTally } from '$lib/acquisition/intake-tally';
import { MqttSession } from '$lib/acquisition/mqtt-session';
import { probeBroker } from '$lib/acquisition/probe';
import { SparkplugHost } from '$lib/acquisition/sparkplug-host';
import { startLocalBroker } from '../../../simulator/cli/local-broker';
import { findMosquitto, freePort, startMosquitto, type Mosquitto, type MosquittoOptions } from '../../tools/mosquitto';
import { MemoryStore, testWorld } from './world';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function broker(options?: MosquittoOptions): Promise<Mosquitto> {
	const mosquitto = await startMosquitto(options);
	cleanups.push(() => mosquitto.stop());
	return mosquitto;
}

async function publisher(
	mosquitto: Pick<Mosquitto, 'wsUrl'>,
	login?: { username: string; password: string }
): Promise<MqttClient> {
	const client = mqtt.connect(mosquitto.wsUrl, {
		forceNativeWebSocket: true,
		timerVariant: 'native',
		createWebsocket: (url: string, protocols: string[]) => new WebSocket(url, protocols),
		...login
	});
	await new Promise((resolve) => client.once('connect', resolve));
	cleanups.push(() => client.endAsync(true));
	return client;
}

/** The machine may be busy. */
const SOON = { timeout: 20_000 };

const settingsFor = (mosquitto: Mosquitto, change: Partial<BrokerSettings> = {}): BrokerSettings => ({
	url: mosquitto.wsUrl,
	protocolVersion: 5,
	topicFilter: 'plant/#',
	qos: 1,
	...change
});

/** A session into an intake into `store`, as the worker wires it. */
function open(
	settings: BrokerSettings,
	store: MemoryStore,
	clientId = 'mwtest',
	host?: SparkplugHost,
	mostHeld = Infinity,
	hasServed = false
) {
	const tally = new IntakeTally(Date.now());
	const commit = new GroupCommit(store, {
		committed: () => undefined,
		failing: () => undefined,
		refused: () => undefined
	});
	const intake = new Intake(commit, tally, { origin: 'live' });
	let status: Partial<LinkStatus> = {};
	const watchers = new Set<() => void>();
	const sockets: WebSocket[] = [];
	let messages = 0;
	let granted = false;
	const notify = () => [...watchers].forEach((watcher) => watcher());
	const session = new MqttSession({
		settings,
		clientId,
		hasServed,
		persistent: true,
		...(host && { host }),
		world: {
			...testWorld,
			openSocket: (url, protocol) => {
				const socket = testWorld.openSocket(url, protocol);
				sockets.push(socket as unknown as WebSocket);
				return socket;
			}
		},
		onMessage: ({ topic, payload, retain, refusedBytes }, safe) => {
			messages++;
			const message = { topic, payload, retain, receivedAt: Date.now() };
			if (refusedBytes === undefined) intake.take(message, safe);
			else intake.refuse(message, refusedBytes, safe);
			notify();
		},
		report: (change) => {
			status = { ...status, ...change };
			notify();
		},
		settled: () => commit.flush(),
		isFull: () => commit.pendingReadings >= mostHeld,
		onSubscribed: () => {
			granted = true;
			notify();
		}
	});
	const run = session.run();
	const opened = {
		session,
		commit,
		tally,
		get status() {
			return status;
		},
		get subscribed() {
			return granted;
		},
		get messages() {
			return messages;
		},
		until: (ready: (status: Partial<LinkStatus>) => boolean) =>
			new Promise<void>((resolve) => {
				const look = () => {
					if (!ready(status)) return;
					watchers.delete(look);
					resolve();
				};
				watchers.add(look);
				look();
			}),
		/** The connection breaks; the session goes on by itself. */
		cut: () => sockets.forEach((socket) => socket.terminate()),
		get sockets() {
			return sockets.length;
		},
		dropConnection() {
			sockets.at(-1)!.terminate();
		},
		/** The connection is cut and nothing more is sent: as when the tab is killed. */
		async die() {
			sockets.forEach((socket) => socket.terminate());
			await session.stop();
			await run;
		},
		async close() {
			await commit.flush();
			await session.stop();
			await run;
		}
	};
	return opened;
}

const reading = (time: number, value: number) => JSON.stringify({ ts: time, flow: value });

describe.skipIf(!findMosquitto())('MQTT session with Mosquitto', () => {
	for (const protocolVersion of [4, 5] as const) {
		it(`acknowledges only after the commit (MQTT ${protocolVersion})`, async () => {
			const mosquitto = await broker();
			const store = new MemoryStore();
			const release = store.hold();
			const tab = open(settingsFor(mosquitto, { protocolVersion }), store);
			cleanups.push(() => tab.close());
			await tab.until(() => tab.subscribed);
			const client = await publisher(mosquitto);
			const start = Date.now();
			for (let i = 0; i < 50; i++) client.publish('plant/pump', reading(start + i, i), { qos: 1 });
			await tab.until(() => tab.messages >= (protocolVersion === 4 ? 20 : 50));
			await expect.poll(() => store.appends).toBeGreaterThan(0);
			expect(mosquitto.log()).not.toContain('Received PUBACK from mwtest');
			release();
			await expect.poll(() => store.count).toBe(50);
			await expect.poll(() => mosquitto.log().split('Received PUBACK from mwtest').length - 1).toBe(50);
			// In groups, not one commit per message.
			expect(store.appends).toBeLessThan(25);
		});
	}

	it('gets everything again that was not committed when the tab was killed, and stores it once', async () => {
		const mosquitto = await broker();
		const store = new MemoryStore();
		const tab = open(settingsFor(mosquitto), store);
		await tab.until(() => tab.subscribed);
		const client = await publisher(mosquitto);
		const start = Date.now();
		await client.publishAsync('plant/pump', reading(start, 0), { qos: 1 });
		await expect.poll(() => store.count).toBe(1);
		const lost = new MemoryStore();
		const before = store.series.append;
		// From here on commits never finish: the tab dies between commit and acknowledgement.
		(store.series as { append: typeof before }).append = (batch) => {
			void lost.series.append(batch);
			return new Promise(() => undefined);
		};
		for (let i = 1; i <= 30; i++) await client.publishAsync('plant/pump', reading(start + i, i), { qos: 1 });
		await tab.until(() => tab.messages >= 31);
		void tab.die();
		await expect
			.poll(() => mosquitto.log())
			.toMatch(/Client mwtest (closed|disconnected)|Socket error on client mwtest/);
		for (let i = 31; i <= 60; i++) await client.publishAsync('plant/pump', reading(start + i, i), { qos: 1 });

		(store.series as { append: typeof before }).append = before;
		const again = open(settingsFor(mosquitto), store);
		cleanups.push(() => again.close());
		await expect.poll(() => store.count).toBe(61);
		expect(store.seriesOf('plant/pump:flow').map(([, value]) => value)).toEqual(
			Array.from({ length: 61 }, (_, i) => i)
		);
	});

	it('is a Sparkplug primary host: online while connected, offline on leaving, by will when cut off, again after a foreign offline', async () => {
		const mosquitto = await broker();
		const client = await publisher(mosquitto);
		const states: { online: boolean; timestamp: number }[] = [];
		client.on('message', (_topic, payload) => states.push(JSON.parse(payload.toString()) as (typeof states)[number]));
		await client.subscribeAsync('spBv1.0/STATE/millwright', { qos: 1 });
		const host = () => new SparkplugHost('millwright', Date.now);
		const tab = open(settingsFor(mosquitto), new MemoryStore(), 'mwtest', host());
		await expect.poll(() => states.at(-1)?.online, SOON).toBe(true);
		expect(tab.messages).toBe(0);
		const heard = states.length;
		await client.publishAsync('spBv1.0/STATE/millwright', '{"online":false,"timestamp":1}', { qos: 1, retain: true });
		await expect.poll(() => states.length, SOON).toBeGreaterThanOrEqual(heard + 2);
		expect(states.at(-1)?.online).toBe(true);
		await tab.close();
		await expect.poll(() => states.at(-1)?.online, SOON).toBe(false);
		const again = open(settingsFor(mosquitto), new MemoryStore(), 'mwtest', host());
		await expect.poll(() => states.at(-1)?.online, SOON).toBe(true);
		const said = states.at(-1)!;
		again.cut();
		// The will repeats the time of the birth: nobody takes it for a later connection's.
		await expect
			.poll(() => states.find(({ online, timestamp }) => !online && timestamp === said.timestamp), SOON)
			.toBeDefined();
		await expect.poll(() => states.at(-1)?.online, SOON).toBe(true);
		await again.close();
	});

	it('comes back by itself when the broker was killed', async () => {
		const mosquitto = await broker();
		const store = new MemoryStore();
		const tab = open(settingsFor(mosquitto), store);
		cleanups.push(() => tab.close());
		await tab.until(() => tab.subscribed);
		await mosquitto.kill();
		await tab.until(({ state, retryAt }) => state === 'reconnecting' && retryAt !== undefined);
		expect(tab.status.trouble).toBe('broker-unreachable');
		await mosquitto.start();
		await tab.until(({ state, trouble }) => state === 'connected' && trouble === undefined);
		const client = await publisher(mosquitto);
		await expect
			.poll(async () => {
				await client.publishAsync('plant/pump', reading(Date.now(), 1), { qos: 1 });
				return store.count;
			})
			.toBeGreaterThan(0);
	});

	it('connects anew only when what came before is stored', async () => {
		const mosquitto = await broker();
		const store = new MemoryStore();
		const tab = open(settingsFor(mosquitto), store);
		cleanups.push(() => tab.close());
		await tab.until(() => tab.subscribed);
		const client = await publisher(mosquitto);
		const release = store.hold();
		const start = Date.now();
		for (let i = 0; i < 30; i++) client.publish('plant/pump', reading(start + i, i), { qos: 1 });
		await tab.until(() => tab.messages === 30);
		tab.dropConnection();
		await tab.until(({ retryAt }) => retryAt !== undefined);
		await expect.poll(() => Date.now() > tab.status.retryAt! + 300).toBe(true);
		expect(tab.sockets).toBe(1);
		expect(tab.messages).toBe(30);
		release();
		await tab.until(({ state }) => state === 'connected');
		await expect.poll(() => store.count).toBe(30);
		expect(tab.sockets).toBe(2);
	});

	it('takes no more than can be held: the broker keeps the rest, and nothing is lost', async () => {
		const mosquitto = await broker({ config: ['max_inflight_messages 200'] });
		const store = new MemoryStore();
		const release = store.hold();
		const tab = open(settingsFor(mosquitto), store, 'mwtest', undefined, 50);
		cleanups.push(() => tab.close());
		await tab.until(() => tab.subscribed);
		const client = await publisher(mosquitto);
		const start = Date.now();
		for (let i = 0; i < 120; i++) client.publish('plant/pump', reading(start + i, i), { qos: 1 });
		await tab.until(({ trouble }) => trouble === 'storage-failing');
		expect(tab.messages).toBe(50);
		release();
		await expect.poll(() => store.count, SOON).toBe(120);
		await tab.until(({ trouble }) => trouble === undefined);
		expect(tab.sockets).toBeGreaterThan(1);
	});

	it('says that the password is wrong, for both versions', async () => {
		const mosquitto = await broker({ user: { name: 'ann', password: 'right' } });
		for (const protocolVersion of [4, 5] as const) {
			const tab = open(
				settingsFor(mosquitto, { protocolVersion, username: 'ann', password: 'wrong' }),
				new MemoryStore()
			);
			await tab.until(({ trouble }) => trouble !== undefined);
			expect(tab.status).toMatchObject({ trouble: 'credentials-refused', state: 'failed' });
			await tab.close();
		}
		const right = open(settingsFor(mosquitto, { username: 'ann', password: 'right' }), new MemoryStore());
		await right.until(({ state }) => state === 'connected');
		await right.close();
	});

	it('tells an unreachable broker from an address that is no broker', async () => {
		const port = await freePort();
		const nobody = open(
			{ url: `ws://127.0.0.1:${port}`, protocolVersion: 5, topicFilter: '#', qos: 1 },
			new MemoryStore()
		);
		await nobody.until(({ trouble }) => trouble !== undefined);
		expect(nobody.status).toMatchObject({ trouble: 'broker-unreachable', state: 'reconnecting' });
		await nobody.close();

		const { WebSocketServer } = await import('ws');
		const server = new WebSocketServer({ port, host: '127.0.0.1' });
		await new Promise((resolve) => server.once('listening', resolve));
		server.on('connection', (socket) => socket.close());
		cleanups.push(() => new Promise((resolve) => server.close(resolve)));
		const other = open(
			{ url: `ws://127.0.0.1:${port}`, protocolVersion: 5, topicFilter: '#', qos: 1 },
			new MemoryStore()
		);
		await other.until(({ trouble }) => trouble !== undefined);
		expect(other.status).toMatchObject({ trouble: 'protocol-refused', state: 'failed' });
		await other.close();
		// An address that has served before: what is behind it starts again, and is soon asked again.
		const restarting = open(
			{ url: `ws://127.0.0.1:${port}`, protocolVersion: 5, topicFilter: '#', qos: 1 },
			new MemoryStore(),
			'mwtest',
			undefined,
			Infinity,
			true
		);
		await restarting.until(({ trouble }) => trouble !== undefined);
		expect(restarting.status).toMatchObject({ trouble: 'broker-unreachable', state: 'reconnecting' });
		await restarting.close();
	});

	it('tries again after a connection that could not even be begun, and while what came before cannot be stored', async () => {
		const mosquitto = await broker();
		const seen: Partial<LinkStatus>[] = [];
		let tell = () => {};
		const connected = new Promise<void>((resolve) => (tell = resolve));
		let attempts = 0;
		const session = new MqttSession({
			settings: settingsFor(mosquitto),
			clientId: 'mwtest',
			persistent: true,
			world: {
				...testWorld,
				openSocket: (url, protocol) => {
					if (attempts++ === 0) throw new Error('no sockets left');
					return testWorld.openSocket(url, protocol);
				}
			},
			settled: () => Promise.reject(new Error('storage refuses')),
			onMessage: () => undefined,
			report: (change) => {
				seen.push(change);
				if (change.state === 'connected') tell();
			}
		});
		const run = session.run();
		cleanups.push(async () => {
			await session.stop();
			await run;
		});
		await connected;
		expect(seen).toContainEqual(
			expect.objectContaining({ state: 'reconnecting', trouble: 'broker-unreachable', detail: 'no sockets left' })
		);
	});

	it('refuses ws:// on an https page without trying', async () => {
		let tried = false;
		let status: Partial<LinkStatus> = {};
		const session = new MqttSession({
			settings: { url: 'ws://user:secret@broker.example', protocolVersion: 5, topicFilter: '#', qos: 1 },
			clientId: 'x',
			persistent: true,
			world: {
				...testWorld,
				onHttpsPage: true,
				openSocket: (url, protocol) => {
					tried = true;
					return testWorld.openSocket(url, protocol);
				}
			},
			onMessage: () => undefined,
			report: (change) => (status = { ...status, ...change })
		});
		await session.run();
		expect(status).toMatchObject({ trouble: 'needs-wss', state: 'failed', address: 'ws://broker.example' });
		expect(tried).toBe(false);
	});

	it('names a filter that the broker refuses', async () => {
		const mosquitto = await broker();
		const tab = open(settingsFor(mosquitto, { topicFilter: 'plant/#/wrong' }), new MemoryStore());
		await tab.until(({ trouble }) => trouble !== undefined);
		expect(tab.status.trouble).toBe('subscription-refused');
		expect(tab.status.detail).toContain('plant/#/wrong');
		await tab.close();
	});

	it('probes: topics seen, nothing kept at the broker, wrong password named', async () => {
		const mosquitto = await broker({ user: { name: 'ann', password: 'right' } });
		const client = await publisher(mosquitto, { username: 'ann', password: 'right' });
		const timer = setInterval(() => client.publish('plant/pump', reading(Date.now(), 1)), 100);
		const world = testWorld as Parameters<typeof probeBroker>[1];
		const good = await probeBroker(settingsFor(mosquitto, { username: 'ann', password: 'right' }), world);
		expect(good).toMatchObject({ ok: true, topicsSeen: ['plant/pump'] });
		const bad = await probeBroker(settingsFor(mosquitto, { username: 'ann', password: 'no' }), world);
		expect(bad).toMatchObject({ ok: false, status: { trouble: 'credentials-refused' } });
		const silent = await probeBroker(
			settingsFor(mosquitto, { topicFilter: 'other/#', username: 'ann', password: 'right' }),
			world
		);
		expect(silent).toMatchObject({ ok: true, status: { trouble: 'no-messages' }, topicsSeen: ['plant/pump'] });
		const odd = setInterval(() => client.publish('odd/thing', 'hello <xml/>'), 100);
		const unread = await probeBroker(
			settingsFor(mosquitto, { topicFilter: 'odd/#', username: 'ann', password: 'right' }),
			world
		);
		expect(unread).toMatchObject({
			ok: false,
			status: { trouble: 'not-understood' },
			example: { topic: 'odd/thing', payload: 'hello <xml/>' }
		});
		clearInterval(timer);
		clearInterval(odd);
	});
});

describe('MQTT session with the embedded broker', () => {
	it('reads a message of 1 MB; skips one too large, acknowledges it and goes on', async () => {
		// Mosquitto 2.0.11 itself stalls on WebSocket messages of several megabytes, so this one runs against aedes.
		const local = await startLocalBroker({ wsPort: 0 });
		cleanups.push(() => local.close());
		const wsUrl = `ws://127.0.0.1:${local.wsPort}`;
		const store = new MemoryStore();
		const tab = open({ url: wsUrl, protocolVersion: 4, topicFilter: 'plant/#', qos: 1 }, store);
		cleanups.push(() => tab.close());
		await tab.until(() => tab.subscribed);
		const client = await publisher({ wsUrl });
		const start = Date.now();
		const million = JSON.stringify({ ts: start, flow: 1, note: 'x'.repeat(1_000_000) });
		await client.publishAsync('plant/pump', million, { qos: 1 });
		await client.publishAsync('plant/pump', Buffer.alloc(6_000_000), { qos: 1 });
		await client.publishAsync('plant/pump', reading(start + 1, 2), { qos: 1 });
		await expect.poll(() => store.count).toBe(2);
		const { byReason } = tab.tally.counters(Date.now(), 0);
		expect(byReason['payload-too-large']).toMatchObject({ count: 1, last: { topic: 'plant/pump' } });
		expect(tab.messages).toBe(3);
	});

	it('asks a broker that refuses MQTT 5 in 3.1.1 at once, says so, and takes its messages', async () => {
		const local = await startLocalBroker({ wsPort: 0 });
		cleanups.push(() => local.close());
		const wsUrl = `ws://127.0.0.1:${local.wsPort}`;
		const settings: BrokerSettings = { url: wsUrl, protocolVersion: 5, topicFilter: 'plant/#', qos: 1 };
		const store = new MemoryStore();
		const tab = open(settings, store);
		cleanups.push(() => tab.close());
		const states = new Set<LinkStatus['state'] | undefined>();
		await tab.until(({ state }) => states.add(state) && tab.subscribed);
		expect([...states]).toEqual(['connecting', 'connected']);
		expect(tab.status).toMatchObject({ mqttVersion: '3.1.1', trouble: undefined });
		expect(tab.sockets).toBe(2);
		const client = await publisher({ wsUrl });
		await client.publishAsync('plant/pump', reading(Date.now(), 1), { qos: 1 });
		await expect.poll(() => store.count).toBe(1);
		// The connection breaks: the version that served is asked again.
		tab.dropConnection();
		await tab.until(({ state }) => state === 'reconnecting');
		await tab.until(({ state }) => state === 'connected');
		expect(tab.sockets).toBe(3);

		const probed = await probeBroker(settings, testWorld as Parameters<typeof probeBroker>[1]);
		expect(probed).toMatchObject({ ok: true, status: { mqttVersion: '3.1.1' } });
	});
});

it.runIf(!findMosquitto())('Mosquitto is not installed: the MQTT session was not tested', () => undefined);
