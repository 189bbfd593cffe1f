/**
 * A load of messages on a broker, from a process of its own so that it does not compete with what is measured for one event loop.
 *
 * Argument: a `Load` as JSON. Says `ready` on stdout once connected, begins at the first line on stdin, stops at the end of stdin or when
 * its time is over, and then writes a `LoadResult` as JSON.
 * Each message carries its number as the value `number`; the other sensors wander. Every machine is sent at equal distances.
 */
import { PacketPublisher } from '../../tools/packet-publisher';

export interface Load {
	readonly port: number;
	readonly qos: 0 | 1;
	readonly seconds: number;
	readonly machines: number;
	readonly messagesPerSecond: number;
	/** Beside `number`, so that a row has `sensors` values. */
	readonly sensors: number;
	/** Rows in a message; more than one: an array of objects, each with its time. */
	readonly rows: number;
	readonly topicPrefix: string;
}

const load = JSON.parse(process.argv[2]!) as Load;
const { machines, messagesPerSecond, sensors, rows, seconds } = load;
const tickMs = 10;
const publisher = new PacketPublisher({ port: load.port, clientId: 'load-source', qos: load.qos, window: 20_000 });
await publisher.connect();

const topics = Array.from({ length: machines }, (_, machine) => `${load.topicPrefix}/m-${machine}`);
const lastTimes = new Float64Array(machines);
const names = ['flow', 'pressure', 'temperature', 'vibration', 'current', 'speed', 'torque', 'level'];
/** Each sensor's wave as text, made once: the processors are wanted for what is measured. */
const WAVE = 628;
const fields = Array.from({ length: sensors - 1 }, (_, s) =>
	Array.from({ length: WAVE }, (_, step) => {
		const value = 50 + s * 10 + Math.sin((step * 2 * Math.PI) / WAVE + s) * 5;
		return `,"${names[s % names.length]}":${value.toFixed(2)}`;
	})
);
let number = 0;

function publishOne(now: number): void {
	const machine = number % machines;
	const messages: string[] = [];
	// The rows of a message lie behind each other, the last one at this moment.
	let time = Math.max(lastTimes[machine]! + 1, now - rows + 1);
	for (let row = 0; row < rows; row++, time++) {
		const step = (number + row + machine * 7) % WAVE;
		let text = `{"ts":${time},"number":${row === 0 ? number : -1}`;
		for (let s = 0; s < sensors - 1; s++) text += fields[s]![step]!;
		messages.push(`${text}}`);
	}
	lastTimes[machine] = time - 1;
	publisher.publish(topics[machine]!, rows === 1 ? messages[0]! : `[${messages.join(',')}]`);
	number++;
}

process.stdout.write('ready\n');
await new Promise<void>((resolve) => process.stdin.once('data', () => resolve()));
let stopped = false;
process.stdin.on('end', () => (stopped = true));
const start = Date.now();
const usedBefore = process.cpuUsage();
const total = Math.round(messagesPerSecond * seconds);
let behind = 0;
while (number < total && !stopped) {
	const now = Date.now();
	const due = Math.min(total, Math.floor(((now - start) / 1000) * messagesPerSecond));
	// Where broker or this process cannot keep up, it sends later rather than pile up.
	if (publisher.outstanding < 25_000 && publisher.buffered < 4_000_000)
		for (let sent = 0; number < due && sent < messagesPerSecond / 10; sent++) publishOne(now);
	behind = (due - number) / messagesPerSecond;
	publisher.flush();
	await new Promise((resolve) => setTimeout(resolve, tickMs));
}
await publisher.drain();
const lasted = (Date.now() - start) / 1000;
const { user, system } = process.cpuUsage(usedBefore);
publisher.close();
const said = {
	published: publisher.delivered,
	lasted,
	behind: Math.max(behind, lasted - seconds),
	processorSeconds: (user + system) / 1e6
};
process.stdout.write(`${JSON.stringify(said)}\n`);
process.exit(0);
