/** `npm run simulate` and `npm run replay` against a real broker in this process: every message once, clear errors. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inspectRecording, parseTime, readRecording } from '../../../simulator/cli/csv-recording';
import { startLocalBroker, type LocalBroker } from '../../../simulator/cli/local-broker';
import { publishPlant } from '../../../simulator/cli/publish-plant';
import { recordMachine } from '../../../simulator/cli/record-machine';
import { replay } from '../../../simulator/cli/replay';
import { simulate } from '../../../simulator/cli/simulate';
import { createPlant } from '../../../simulator';
import { MillwrightError } from '../../../src/lib/contracts';

interface Received {
	readonly topic: string;
	readonly payload: Record<string, unknown>;
	readonly qos: number;
}

let broker: LocalBroker;
let listener: MqttClient;
let received: Received[] = [];
let folder: string;
const out: string[] = [];
const errors: string[] = [];
const io = (signal = new AbortController().signal) => ({
	out: (line: string) => void out.push(line),
	error: (line: string) => void errors.push(line),
	signal
});
const url = () => `ws://127.0.0.1:${broker.wsPort}`;
const file = (name: string, content: string | Uint8Array) => {
	const path = join(folder, name);
	writeFileSync(path, content);
	return path;
};
/** Everything published before this call has arrived: the broker keeps the order. */
async function settled(): Promise<Received[]> {
	const mark = `mark/${Math.random()}`;
	const arrived = new Promise<void>((resolve) => {
		const onMessage = (topic: string) => {
			if (topic !== mark) return;
			listener.off('message', onMessage);
			resolve();
		};
		listener.on('message', onMessage);
	});
	await listener.publishAsync(mark, '{}', { qos: 1 });
	await arrived;
	return received.filter(({ topic }) => !topic.startsWith('mark/'));
}
async function refusal(run: Promise<unknown>): Promise<MillwrightError> {
	const error = await run.then(
		() => expect.fail('accepted'),
		(caught: unknown) => caught
	);
	expect(error).toBeInstanceOf(MillwrightError);
	return error as MillwrightError;
}

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'millwright-cli-'));
	broker = await startLocalBroker({ port: 0, wsPort: 0 });
	listener = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`);
	listener.on('message', (topic, payload, { qos, retain }) => {
		if (!retain) received.push({ topic, payload: JSON.parse(payload.toString()) as Record<string, unknown>, qos });
	});
	await listener.subscribeAsync('#', { qos: 1 });
});
afterAll(async () => {
	await listener.endAsync();
	await broker.close();
	rmSync(folder, { recursive: true });
});
beforeEach(() => {
	received = [];
	out.length = errors.length = 0;
});

describe('simulate', () => {
	it('publishes each machine once a step, exactly what the plant makes, under the prefix', async () => {
		const code = await simulate(
			[
				'--broker',
				url(),
				'--machines',
				'3',
				'--rate',
				'20',
				'--duration',
				'0.5',
				'--seed',
				'9',
				'--topic-prefix',
				'trial/',
				'--scenario',
				'tool-wear'
			],
			io()
		);
		expect(code).toBe(0);
		const live = (await settled()).filter(({ topic }) => !topic.endsWith('/_meta'));
		expect(live).toHaveLength(30);
		expect(live.every(({ topic, qos }) => topic.startsWith('trial/rotterdam/') && qos === 1)).toBe(true);
		const plant = createPlant({
			machines: 3,
			seed: 9,
			scenario: 'tool-wear',
			startTime: (live[0]!.payload.ts as number) - 50,
			stepMs: 50
		});
		for (let step = 0; step < 10; step++)
			for (const message of plant.step()) expect(live.shift()!.payload).toEqual(message.payload);
		expect(out.at(-1)).toMatch(/10 steps, 30 messages published, 30 acknowledged, 0 dropped/);
	});

	it('leaves descriptions behind as retained messages', async () => {
		await simulate(
			['--broker', url(), '--machines', '2', '--duration', '0.05', '--rate', '20', '--topic-prefix', 'kept'],
			io()
		);
		const late = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`);
		const topics: string[] = [];
		const both = new Promise<void>((resolve) =>
			late.on('message', (topic, _payload, packet) => {
				if (packet.retain && topics.push(topic) === 2) resolve();
			})
		);
		await late.subscribeAsync('kept/#');
		await both;
		await late.endAsync();
		expect(topics.every((topic) => topic.endsWith('/_meta'))).toBe(true);
	});

	it('ends on a signal with everything acknowledged', async () => {
		const controller = new AbortController();
		const running = simulate(['--broker', url(), '--machines', '2', '--rate', '20'], io(controller.signal));
		await new Promise<void>((resolve) => listener.once('message', () => resolve()));
		controller.abort();
		expect(await running).toBe(0);
		expect(out.at(-1)).toMatch(/0 dropped/);
	});

	it('says what is wrong with its options, and what there is instead', async () => {
		expect((await refusal(simulate([], io()))).message).toMatch(/--broker is needed[\s\S]*--scenario/);
		expect((await refusal(simulate(['--broker', url(), '--scenario', 'rust'], io()))).message).toMatch(
			/"rust".*bearing-wear/
		);
		expect((await refusal(simulate(['--broker', url(), '--machines', 'many'], io()))).message).toMatch(
			/--machines.*"many"/
		);
		expect((await refusal(simulate(['--broker', url(), '--rate', '0'], io()))).message).toMatch(/--rate.*"0"/);
		expect((await refusal(simulate(['--broker', url(), '--qos', '2'], io()))).message).toMatch(/--qos/);
		expect((await refusal(simulate(['--brokr', url()], io()))).message).toMatch(/--brokr/);
		expect((await refusal(simulate(['--broker', 'http://x'], io()))).message).toMatch(/http:\/\/x/);
	});

	it('says that a broker is unreachable, without showing the password', async () => {
		const free = await new Promise<number>((resolve) => {
			const server = createServer().listen(0, '127.0.0.1', () => {
				const { port } = server.address() as { port: number };
				server.close(() => resolve(port));
			});
		});
		for (const scheme of ['ws', 'mqtt']) {
			const error = await refusal(simulate(['--broker', `${scheme}://u:secret@127.0.0.1:${free}`], io()));
			expect(error.code).toBe('link-failed');
			expect(error.message).toMatch(/No broker answers/);
			expect(error.message).not.toMatch(/secret/);
		}
	});

	it('as a process: prints one clear text and exits with 1', async () => {
		const child = spawn(process.execPath, [
			'--import',
			'tsx',
			'simulator/cli/simulate.ts',
			'--broker',
			url(),
			'--scenario',
			'rust'
		]);
		let text = '';
		child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
		const code = await new Promise((resolve) => child.once('exit', resolve));
		expect(code).toBe(1);
		expect(text).toMatch(/There is no scenario "rust"/);
		expect(text).not.toMatch(/ at .*\.ts:/);
	});
});

describe('publishPlant', () => {
	it('stops when asked, more than once, and reports what it did', async () => {
		const plant = createPlant({ machines: 2, seed: 1, scenario: 'healthy', startTime: 0, stepMs: 1000 });
		const publisher = await publishPlant(plant, url(), { stepMs: 20 });
		await new Promise<void>((resolve) => listener.once('message', () => resolve()));
		const [first, second] = await Promise.all([publisher.stop(), publisher.stop()]);
		expect(first).toEqual(second);
		expect(first.acknowledged).toBe(first.published);
		expect(await publisher.finished).toEqual(first);
	});
});

describe('a broker that goes away', () => {
	const lifeOf = () => {
		const happened = new Map<string, () => void>();
		const until = (state: 'lost' | 'back') => new Promise<void>((resolve) => happened.set(state, resolve));
		return { onChange: (state: 'lost' | 'back') => happened.get(state)?.(), until };
	};
	const plantOf = () => createPlant({ machines: 2, seed: 1, scenario: 'healthy', startTime: 0, stepMs: 1000 });

	it('and comes back gets what was sent meanwhile; nothing is lost', async () => {
		const first = await startLocalBroker({ wsPort: 0 });
		const { onChange, until } = lifeOf();
		const publisher = await publishPlant(plantOf(), `ws://127.0.0.1:${first.wsPort}`, { stepMs: 20, onChange });
		const lost = until('lost');
		await first.close();
		await lost;
		const before = publisher.counts.published;
		const back = until('back');
		const second = await startLocalBroker({ wsPort: first.wsPort });
		await back;
		const counts = await publisher.stop();
		expect(counts.published).toBeGreaterThan(before);
		expect(counts).toMatchObject({ acknowledged: counts.published, dropped: 0 });
		await second.close();
	});

	it('for good does not keep the publisher from stopping, which says what was not acknowledged', async () => {
		const gone = await startLocalBroker({ wsPort: 0 });
		const { onChange, until } = lifeOf();
		const publisher = await publishPlant(plantOf(), `ws://127.0.0.1:${gone.wsPort}`, { stepMs: 20, onChange });
		const lost = until('lost');
		await gone.close();
		await lost;
		const before = publisher.counts.published;
		while (publisher.counts.published === before) await new Promise((resolve) => setImmediate(resolve));
		const counts = await publisher.stop();
		expect(counts.acknowledged).toBeLessThan(counts.published);
	});

	it('is told from one that refuses the credentials', async () => {
		const { createServer: createHttp } = await import('node:http');
		const { WebSocketServer } = await import('ws');
		const http = createHttp().listen(0, '127.0.0.1');
		// CONNACK of MQTT 3.1.1 with return code 5
		new WebSocketServer({ server: http }).on('connection', (socket) =>
			socket.once('message', () => socket.send(Uint8Array.of(0x20, 2, 0, 5)))
		);
		const { port } = await new Promise<{ port: number }>((resolve) =>
			http.once('listening', () => resolve(http.address() as { port: number }))
		);
		const address = `ws://127.0.0.1:${port}`;
		expect((await refusal(publishPlant(plantOf(), address))).message).toMatch(/user name and password needed/);
		const named = publishPlant(plantOf(), address, { username: 'u', password: 'wrong' });
		expect((await refusal(named)).message).toMatch(/refuses this user name or password/);
		http.closeAllConnections();
		http.close();
	});
});

describe('local broker', () => {
	it('says which port is taken', async () => {
		const error = await refusal(startLocalBroker({ wsPort: broker.wsPort }));
		expect(error.code).toBe('link-failed');
		expect(error.message).toContain(`port ${broker.wsPort}`);
		expect((error.cause as NodeJS.ErrnoException).code).toBe('EADDRINUSE');
	});

	it('passes messages between TCP and WebSocket clients', async () => {
		const sender = await mqtt.connectAsync(url());
		await sender.publishAsync('a/b', '{"x":1}', { qos: 1 });
		await sender.endAsync();
		expect((await settled()).map(({ topic, payload }) => [topic, payload])).toEqual([['a/b', { x: 1 }]]);
	});
});

describe('replay', () => {
	const rows = (count: number) => {
		const start = Date.UTC(2020, 1, 8, 13, 30, 47);
		const line = (i: number) => {
			const time = new Date(start + i * 1000).toISOString().slice(0, 19).replace('T', ' ');
			return `${time};${(0.2 + i / 1000).toFixed(3)};${100 + i};0.0;1.0`;
		};
		return [
			'datetime;Accelerometer1RMS;Volume Flow;anomaly;changepoint',
			...Array.from({ length: count }, (_, i) => line(i))
		].join('\n');
	};
	const start = Date.UTC(2020, 1, 8, 13, 30, 47);

	it("publishes every row exactly once, in order, with the recording's own times", async () => {
		const path = file('recording.csv.gz', gzipSync(rows(1000)));
		const code = await replay(['--broker', url(), '--csv', path, '--speed', 'max'], io());
		expect(code).toBe(0);
		const messages = await settled();
		expect(messages).toHaveLength(1000);
		messages.forEach(({ topic, payload, qos }, i) => {
			expect(topic).toBe('replay/recording');
			expect(qos).toBe(1);
			expect(payload).toEqual({
				ts: start + i * 1000,
				Accelerometer1RMS: Number((0.2 + i / 1000).toFixed(3)),
				'Volume Flow': 100 + i
			});
		});
		expect(out.join('\n')).toMatch(/no zone: taken as UTC/);
		expect(out.join('\n')).toMatch(/left out as labels: anomaly, changepoint/);
		expect(out.at(-1)).toMatch(/1000 rows read, 1000 published, 1000 acknowledged/);
	});

	it('rebases to now or so that the end is now, limits rows, takes the columns named', async () => {
		const path = file('short.csv', rows(40));
		const before = Date.now();
		await replay(
			[
				'--broker',
				url(),
				'--csv',
				path,
				'--speed',
				'1000',
				'--rebase',
				'end',
				'--limit',
				'20',
				'--columns',
				'anomaly',
				'--topic',
				'x/y'
			],
			io()
		);
		const shifted = await settled();
		expect(shifted).toHaveLength(20);
		expect(Object.keys(shifted[0]!.payload)).toEqual(['ts', 'anomaly']);
		const times = shifted.map(({ payload }) => payload.ts as number);
		expect(times[1]! - times[0]!).toBe(1000);
		expect(times[19]!).toBeGreaterThanOrEqual(before);
		expect(times[19]!).toBeLessThanOrEqual(Date.now());
		received = [];
		await replay(['--broker', url(), '--csv', path, '--speed', '1000', '--rebase', 'now', '--qos', '0'], io());
		const stamped = (await settled()).map(({ payload }) => payload.ts as number);
		expect(stamped).toHaveLength(40);
		expect(stamped[39]! - stamped[0]!).toBe(39);
		expect(stamped[0]!).toBeGreaterThanOrEqual(before);
	});

	it('counts what cannot be published, publishes the rest and names the first row left out', async () => {
		const path = file(
			'dirty.csv',
			'\uFEFFid,when,temp,"note, long",empty\n1,2026-01-05T08:00:00+01:00,20.5,"a,b",\n2,yesterday,21,x,\n3,2026-01-05T07:00:02Z,,x,\n4,2026-01-05T07:00:03Z,NaN,x,\n\n5,2026-01-05T07:00:01Z,22,x,\n'
		);
		expect(
			await replay(
				['--broker', url(), '--csv', path, '--speed', 'max', '--columns', 'temp', '--time-column', 'when'],
				io()
			)
		).toBe(0);
		expect((await settled()).map(({ payload }) => payload)).toEqual([
			{ ts: Date.UTC(2026, 0, 5, 7), temp: 20.5 },
			{ ts: Date.UTC(2026, 0, 5, 7, 0, 1), temp: 22 }
		]);
		expect(out.at(-1)).toMatch(/5 rows read, 2 published, 2 acknowledged; left out: 1 without time, 2 without values/);
		expect(errors.join()).toMatch(/row 3: "yesterday"/);
	});

	it('ends early on a signal and says so', async () => {
		const controller = new AbortController();
		const path = file('slow.csv', rows(100));
		const running = replay(['--broker', url(), '--csv', path, '--speed', '1'], io(controller.signal));
		await new Promise<void>((resolve) => listener.once('message', () => resolve()));
		controller.abort();
		expect(await running).toBe(130);
		expect(errors.join()).toMatch(/Ended before/);
	});

	it('replays what the simulator recorded', async () => {
		const config = { machines: 1, seed: 5, scenario: 'bearing-wear', startTime: start, stepMs: 1000 } as const;
		const path = file('pump.csv', recordMachine(config, 50));
		await replay(['--broker', url(), '--csv', path, '--speed', 'max'], io());
		const plant = createPlant(config);
		const messages = await settled();
		expect(messages).toHaveLength(50);
		for (const { payload } of messages) {
			const { mode: _, ...expected } = plant.step()[0]!.payload;
			expect(payload).toEqual(expected);
		}
	});

	it('refuses files that are no recording, naming what is missing', async () => {
		const run = (path: string, ...rest: string[]) => refusal(replay(['--broker', url(), '--csv', path, ...rest], io()));
		expect((await run(join(folder, 'absent.csv'))).code).toBe('not-found');
		expect((await run(file('empty.csv', ''))).message).toMatch(/no rows/);
		expect((await run(file('headless.csv', '1,2\n3,4\n'))).message).toMatch(/no header/);
		expect((await run(file('timeless.csv', 'a,b\n3,4\n'))).message).toMatch(/--time-column.*a, b/);
		expect((await run(file('textual.csv', 'time,b\n2026-01-05,x\n'))).message).toMatch(/no numeric column/);
		expect((await run(file('good.csv', rows(3)), '--columns', 'nope')).message).toMatch(/"nope".*Volume Flow/);
		expect((await run(file('good.csv', rows(3)), '--time-column', 'Volume Flow')).message).toMatch(/holds no times/);
		expect((await run(file('broken.csv.gz', 'not gzip'))).message).toMatch(/cannot be read/);
		expect((await run(file('good.csv', rows(3)), '--topic', 'a/#')).message).toMatch(/--topic/);
		expect((await run(file('good.csv', rows(3)), '--rebase', 'x')).message).toMatch(/--rebase/);
		expect((await run(file('good.csv', rows(3)), '--speed', 'fast')).message).toMatch(/--speed/);
		expect(received).toEqual([]);
	});
});

describe('recordings', () => {
	it.each([
		['comma', 'time,a\n2026-01-05T00:00:00Z,1.5\n', ','],
		['semicolon with decimal comma', 'time;a\n05.01.2026 00:00:00;1,5\n', ';'],
		['tab', 'ts\ta\n1767571200\t1.5\n', '\t'],
		['pipe', 'stamp|a\n2026/01/05 00:00|1.5\n', '|']
	])('finds out the delimiter and the time: %s', async (_, text, delimiter) => {
		const layout = await inspectRecording(file('layout.csv', text));
		expect(layout.delimiter).toBe(delimiter);
		const read = [];
		for await (const row of readRecording(layout)) read.push(row);
		expect(read).toMatchObject([{ line: 2, time: Date.UTC(2026, 0, 5), values: { a: 1.5 }, missing: 0 }]);
	});

	it.each([
		['2020-02-08 13:30:47', Date.UTC(2020, 1, 8, 13, 30, 47)],
		['2020-02-08T13:30:47.250Z', Date.UTC(2020, 1, 8, 13, 30, 47, 250)],
		['2020-02-08T13:30:47-0530', Date.UTC(2020, 1, 8, 19, 0, 47)],
		['1581168647', Date.UTC(2020, 1, 8, 13, 30, 47)],
		['1581168647000', Date.UTC(2020, 1, 8, 13, 30, 47)],
		['1581168647000000000', Date.UTC(2020, 1, 8, 13, 30, 47)],
		['2020-02-30', undefined],
		['12/31/2020', undefined],
		['17', undefined],
		['', undefined]
	])('reads the time %s', (text, expected) => {
		expect(parseTime(text)).toBe(expected);
	});
});
