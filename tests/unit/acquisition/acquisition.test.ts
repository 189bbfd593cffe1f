/** Data Acquisition as a whole: follows the source setting, one owner at a time, says why no data comes, tidies up behind itself. */
import mqtt, { type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { Acquisition } from '$lib/acquisition/acquisition';
import type { BrokerSettings } from '$lib/contracts';
import { startLocalBroker, type LocalBroker } from '../../../simulator/cli/local-broker';
import { findMosquitto, startMosquitto } from '../../tools/mosquitto';
import { memoryWorld } from './world';

let broker: LocalBroker;
let client: MqttClient;
const acquisitions: Acquisition[] = [];

async function connect(url: string): Promise<MqttClient> {
	const opened = mqtt.connect(url, {
		forceNativeWebSocket: true,
		timerVariant: 'native',
		createWebsocket: (address: string, protocols: string[]) => new WebSocket(address, protocols)
	});
	await new Promise((resolve) => opened.once('connect', resolve));
	return opened;
}

beforeEach(async () => {
	broker = await startLocalBroker({ wsPort: 0 });
	client = await connect(`ws://127.0.0.1:${broker.wsPort}`);
});
afterEach(async () => {
	for (const acquisition of acquisitions.splice(0)) await acquisition.stop();
	await client.endAsync(true);
	await broker.close();
});

function spawn(world: ReturnType<typeof memoryWorld>): Acquisition {
	const acquisition = new Acquisition(world.world);
	acquisitions.push(acquisition);
	return acquisition;
}
const settings = (change: Partial<BrokerSettings> = {}): BrokerSettings => ({
	url: `ws://127.0.0.1:${broker.wsPort}`,
	protocolVersion: 4,
	topicFilter: 'plant/#',
	qos: 1,
	...change
});

describe('Acquisition', () => {
	it('follows the source from none to a broker and to the demo, and back', async () => {
		const world = memoryWorld();
		const acquisition = spawn(world);
		await acquisition.start('plant', 'tablet');
		await expect.poll(() => world.link).toMatchObject({ state: 'idle', source: 'none', owner: true });

		world.setSource({ kind: 'broker', broker: settings() });
		await expect.poll(() => world.link).toMatchObject({ state: 'connected', source: 'broker' });
		await expect
			.poll(async () => {
				await client.publishAsync('plant/pump', JSON.stringify({ ts: Date.now(), flow: 1 }), { qos: 1 });
				return world.store.count;
			})
			.toBeGreaterThan(0);
		expect(world.store.machines.get('plant/pump')).toMatchObject({ origin: 'live' });
		await expect.poll(() => world.counters?.stored).toBeGreaterThan(0);

		world.setSource({ kind: 'demo', demo: { machines: 2, seed: 1, scenario: 'healthy', historyMinutes: 1 } });
		await expect.poll(() => world.link, { timeout: 5_000 }).toMatchObject({ state: 'connected', source: 'demo' });
		expect(broker.clients).toBe(1); // the publisher alone
		await expect
			.poll(() => [...world.store.machines.values()].filter(({ origin }) => origin === 'demo'))
			.toHaveLength(2);

		world.setSource({ kind: 'none' });
		await expect.poll(() => world.link).toMatchObject({ state: 'idle', source: 'none' });
	});

	it('says that nothing is understood, with one message shown, and takes it back when something is', async () => {
		const world = memoryWorld();
		world.setSource({ kind: 'broker', broker: settings({ qos: 0 }) });
		await spawn(world).start('plant', 'tablet');
		await expect
			.poll(
				async () => {
					await client.publishAsync('plant/pump', 'hello');
					return world.link?.trouble;
				},
				{ timeout: 10_000, interval: 250 }
			)
			.toBe('not-understood');
		expect(world.counters?.byReason['not-a-number']?.last).toMatchObject({ topic: 'plant/pump', payload: 'hello' });
		await expect
			.poll(
				async () => {
					await client.publishAsync('plant/pump', '{"flow":1}');
					return world.link?.trouble;
				},
				{ timeout: 5_000, interval: 250 }
			)
			.toBeUndefined();
	});

	it('lets one own the source; the other relays what it heard, and takes over', async () => {
		const world = memoryWorld();
		world.setSource({ kind: 'broker', broker: settings() });
		const [first, second] = [spawn(world), spawn(world)];
		await first.start('plant', 'one');
		await second.start('plant', 'two');
		await expect.poll(() => world.link).toMatchObject({ state: 'connected', owner: true });
		expect(broker.clients).toBe(2);
		await second.announce();
		expect(world.link).toMatchObject({ state: 'connected', owner: false });
		await first.stop();
		await expect.poll(() => world.link).toMatchObject({ state: 'connected', owner: true });
		expect(broker.clients).toBe(2);
	});

	it('says that storing fails, and loses nothing once it works again', async () => {
		const world = memoryWorld();
		world.setSource({ kind: 'broker', broker: settings() });
		await spawn(world).start('plant', 'tablet');
		await expect.poll(() => world.link?.state).toBe('connected');
		await expect.poll(() => world.settings.has('mqtt-session')).toBe(true);
		await expect.poll(() => world.settings.get('mqtt-session')).toMatchObject({ filters: ['plant/#'] });
		world.store.failure = new Error('disk gone');
		const start = Date.now();
		for (let i = 0; i < 30; i++)
			await client.publishAsync('plant/pump', JSON.stringify({ ts: start + i, flow: i }), { qos: 1 });
		await expect.poll(() => world.link).toMatchObject({ trouble: 'storage-failing', detail: 'disk gone' });
		world.store.failure = undefined;
		await expect.poll(() => world.store.count, { timeout: 10_000 }).toBe(30);
		await expect.poll(() => world.link?.trouble).toBeUndefined();
	});
});

it.runIf(findMosquitto())('drops filters that are no longer wanted from the session at the broker', async () => {
	const mosquitto = await startMosquitto();
	const world = memoryWorld();
	const at = (topicFilter: string) =>
		({ kind: 'broker', broker: settings({ url: mosquitto.wsUrl, topicFilter, protocolVersion: 5 }) }) as const;
	world.setSource(at('old/#'));
	const first = spawn(world);
	await first.start('plant', 'tablet');
	await expect.poll(() => world.settings.get('mqtt-session')).toMatchObject({ filters: ['old/#'] });
	await first.stop();
	// Changed while no tab was open.
	world.setSource(at('new/#'));
	await spawn(world).start('plant', 'tablet');
	await expect.poll(() => world.settings.get('mqtt-session')).toMatchObject({ filters: ['new/#'] });
	await expect.poll(() => mosquitto.log()).toMatch(/Received UNSUBSCRIBE[^\n]*\n[^\n]*old\/#/);
	await acquisitions.splice(0)[1]!.stop();
	await mosquitto.stop();
});
