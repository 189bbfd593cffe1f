/**
 * `npm start`: the built app, a local MQTT broker and a simulated plant that publishes to it, with the URL printed.
 *
 * In: options (--port, --broker-port, --machines, --seed, --scenario, --host). Out: two listeners that run until Ctrl-C.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createPlant, scenarios } from '../index';
import { startLocalBroker } from './local-broker';
import { publishPlant } from './publish-plant';
import { isolationHeaders } from '../../src/lib/contracts/isolation-headers';
import { serveFolder } from './static-server';

const { values } = parseArgs({
	options: {
		host: { type: 'string', default: '127.0.0.1' },
		port: { type: 'string', default: '4173' },
		'mqtt-port': { type: 'string', default: '1883' },
		'broker-port': { type: 'string', default: '9001' },
		machines: { type: 'string', default: '12' },
		seed: { type: 'string', default: '1' },
		scenario: { type: 'string', default: 'demo' }
	}
});

function wholeNumber(name: keyof typeof values, least: number): number {
	const value = Number(values[name]);
	if (!Number.isInteger(value) || value < least)
		fail(`--${name} must be a whole number from ${least}, not "${values[name]}"`);
	return value;
}

function fail(message: string): never {
	console.error(message);
	process.exit(1);
}

/** Tries the port and the nine after it: another copy, or another program, may have the first. */
async function onFreePort<T>(first: number, what: string, start: (port: number) => Promise<T>): Promise<T> {
	for (let port = first; port < first + 10; port++) {
		try {
			return await start(port);
		} catch (error) {
			const code = (error as { cause?: NodeJS.ErrnoException }).cause?.code ?? (error as NodeJS.ErrnoException).code;
			if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
		}
	}
	return fail(`No free port for the ${what} between ${first} and ${first + 9}`);
}

if (!existsSync('build/index.html')) fail('There is no build yet: run `npm run build` first (npm start does both)');
if (!scenarios.some(({ id }) => id === values.scenario))
	fail(`Unknown scenario "${values.scenario}". There are: ${scenarios.map(({ id }) => id).join(', ')}`);

const host = values.host;
const shownHost = host === '0.0.0.0' || host === '127.0.0.1' ? 'localhost' : host;
const mqttPort = wholeNumber('mqtt-port', 0);
const broker = await onFreePort(wholeNumber('broker-port', 1), 'broker', (wsPort) =>
	startLocalBroker({ host, port: mqttPort === 1883 ? 0 : mqttPort, wsPort })
);
const plant = createPlant({
	machines: wholeNumber('machines', 1),
	seed: wholeNumber('seed', 0),
	scenario: values.scenario,
	startTime: Date.now(),
	stepMs: 1000,
	waveforms: { everyMs: 60_000 }
});
const publisher = await publishPlant(plant, `ws://127.0.0.1:${broker.wsPort}`, { qos: 1 });
const site = await onFreePort(wholeNumber('port', 1), 'app', (port) =>
	serveFolder('build', {
		host,
		port,
		headers: isolationHeaders,
		// The connect screen offers this broker with one tap.
		json: { '/local-broker.json': { url: `ws://${shownHost}:${broker.wsPort}` } }
	})
);

console.log(`
  Millwright     http://${shownHost}:${site.port}/
  MQTT broker    ws://${shownHost}:${broker.wsPort}
  Simulated      ${plant.machines.length} machines, scenario "${values.scenario}", one message a second each

  Ctrl-C ends all three.
`);

let ending = false;
async function end(): Promise<void> {
	if (ending) process.exit(1);
	ending = true;
	await publisher.stop();
	await broker.close();
	await site.close();
	process.exit(0);
}
process.on('SIGINT', () => void end());
process.on('SIGTERM', () => void end());
