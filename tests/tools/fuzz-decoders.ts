/**
 * `npm run fuzz -- [--messages n] [--seed n]`: mutated messages through every decoder and the intake.
 *
 * Out: one JSON object as the last line. Fails when a decoder throws past its guard, a message is not accounted for, or a value that
 * is not finite gets through. `decoder-failed` (the guard had to step in) is reported and must be 0.
 */
import { parseArgs } from 'node:util';
import { Decoder } from '../../src/lib/acquisition/decode/decoder';
import { EdgeNodes } from '../../src/lib/acquisition/dialects/edge-nodes';
import type { DecodeSink, IncomingMessage } from '../../src/lib/acquisition/message';
import { fuzzSeeds } from './fuzz-seeds';

const { values: options } = parseArgs({
	options: {
		messages: { type: 'string', default: '200000' },
		seed: { type: 'string', default: '1' },
		quick: { type: 'boolean' }
	}
});
const total = options.quick ? 20_000 : Number(options.messages);
let state = Number(options.seed) >>> 0 || 1;

/** xorshift32: the same messages for the same seed. */
function random(below: number): number {
	state ^= state << 13;
	state ^= state >>> 17;
	state ^= state << 5;
	return (state >>> 0) % below;
}
const pick = <T>(items: readonly T[]): T => items[random(items.length)]!;

const TOKENS = [
	'null',
	'NaN',
	'-',
	'1e999',
	'"',
	'{',
	'}',
	'[',
	']',
	',',
	':',
	'\\',
	'\u0000',
	'é',
	'__proto__',
	'1e-400',
	'-0'
];

function mutate(bytes: Uint8Array): Uint8Array {
	let result = [...bytes];
	for (let n = random(6); n >= 0; n--) {
		const at = random(result.length + 1);
		switch (random(7)) {
			case 0:
				result[at] = random(256);
				break;
			case 1:
				result.splice(at, 1 + random(8));
				break;
			case 2:
				result.splice(at, 0, ...new TextEncoder().encode(pick(TOKENS)));
				break;
			case 3:
				result = result.slice(0, at);
				break;
			case 4:
				result.splice(at, 0, ...result.slice(random(result.length + 1), at));
				break;
			case 5:
				if (result.length > 0) result[at % result.length]! ^= 1 << random(8);
				break;
			default: {
				const other = pick(fuzzSeeds).payload;
				result.splice(at, random(20), ...other.slice(random(other.length)));
			}
		}
		if (result.length > 20_000) result.length = 20_000;
	}
	return Uint8Array.from(result, (byte) => byte ?? 0);
}

const counts = {
	values: 0,
	rejected: 0,
	understood: 0,
	unaccounted: 0,
	thrown: 0,
	notFinite: 0,
	decoderFailed: 0,
	held: 0
};
const byReason: Record<string, number> = {};
let said = 0;
let failure: string | undefined;
/** Messages held back until another explains them, and whether that came. */
let held: IncomingMessage[] = [];
let released = false;
let message: IncomingMessage;
const sink: DecodeSink = {
	value(place, sensorName, value, time) {
		said++;
		counts.values++;
		if (!Number.isFinite(value) || (time !== undefined && !Number.isFinite(time)) || !place.id) counts.notFinite++;
	},
	waveform(place, _channel, time, { samples }) {
		said++;
		counts.values++;
		if (!samples.every(Number.isFinite) || (time !== undefined && !Number.isFinite(time)) || !place.id)
			counts.notFinite++;
	},
	describe: () => void said++,
	reject(reason, message) {
		said++;
		counts.rejected++;
		byReason[reason] = (byReason[reason] ?? 0) + 1;
		if (reason === 'decoder-failed') {
			counts.decoderFailed++;
			failure ??= message;
		}
	},
	understood() {
		said++;
		counts.understood++;
	},
	presence: () => void said++,
	ask: () => undefined,
	hold() {
		if (message.againAt !== undefined || held.length >= 50) return false;
		held.push({ ...message, againAt: message.receivedAt + 1 });
		counts.held++;
		said++;
		return true;
	},
	release: () => void (released = true)
};

/** What is said of the message; nothing at all is a fault. */
function decode(next: IncomingMessage): void {
	message = next;
	said = 0;
	try {
		decoder.decode(message, sink);
	} catch (error) {
		counts.thrown++;
		failure ??= String(error);
	}
	if (said === 0) counts.unaccounted++;
}

const started = performance.now();
let edgeNodes = new EdgeNodes();
let decoder = new Decoder([], edgeNodes);
for (let n = 0; n < total; n++) {
	// State (births, aliases) builds up over a while, and starts afresh now and then.
	if (n % 5_000 === 0) decoder = new Decoder([], (edgeNodes = new EdgeNodes()));
	// As if the connection had been renewed.
	else if (n % 250 === 0) edgeNodes.doubt();
	if (n % 50_000 === 0) console.error(`${n} of ${total}`);
	const seed = pick(fuzzSeeds);
	const payload = random(10) === 0 ? seed.payload : mutate(seed.payload);
	const topic = random(8) === 0 ? new TextDecoder().decode(mutate(new TextEncoder().encode(seed.topic))) : seed.topic;
	decode({ topic, payload, retain: false, receivedAt: 1_795_417_606_000 + n });
	if (!released && n % 1_000 !== 999) continue;
	released = false;
	const again = held;
	held = [];
	again.forEach(decode);
}
const seconds = (performance.now() - started) / 1000;
const failed = counts.thrown + counts.unaccounted + counts.notFinite + counts.decoderFailed;
console.log(
	JSON.stringify({
		bench: 'fuzz',
		rows: { messages: total, failed, ...counts },
		floors: { failed: 0 },
		context: { seed: Number(options.seed), seconds, byReason, ...(failure && { failure }) }
	})
);
process.exitCode = failed > 0 ? 1 : 0;
