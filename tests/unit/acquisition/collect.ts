/** For tests: everything a message decodes to, as plain data. */
import { Decoder } from '$lib/acquisition/decode/decoder';
import type { DecodeSink, PresenceWord, SensorDescription, WaveformSamples } from '$lib/acquisition/message';
import type { IntakeReason, TopicLevelRole } from '$lib/contracts';

export interface Collected {
	values: {
		id: string;
		sensor: string;
		value: number;
		time?: number;
		unit?: string;
		quality?: number;
		historical?: boolean;
	}[];
	waveforms?: (WaveformSamples & { id: string; channel: string; time?: number })[];
	rejected: { reason: IntakeReason; message: string }[];
	described: { id: string; machineClass?: string; sensors: Map<string, SensorDescription> }[];
	asked: { topic: string; payload: Uint8Array }[];
	understood: boolean;
	presence: ({ id: string } & PresenceWord)[];
}

export class Collector implements DecodeSink {
	collected: Collected = { values: [], rejected: [], described: [], asked: [], understood: false, presence: [] };
	value: DecodeSink['value'] = (place, sensor, value, time, extras) => {
		this.collected.values.push({
			id: place.id,
			sensor,
			value,
			...(time !== undefined && { time }),
			...extras
		});
	};
	waveform: DecodeSink['waveform'] = (place, channel, time, samples) => {
		(this.collected.waveforms ??= []).push({ id: place.id, channel, ...(time !== undefined && { time }), ...samples });
	};
	describe: DecodeSink['describe'] = (place, machineClass, sensors) => {
		this.collected.described.push({ id: place.id, ...(machineClass && { machineClass }), sensors: new Map(sensors) });
	};
	reject: DecodeSink['reject'] = (reason, message) => {
		this.collected.rejected.push({ reason, message });
	};
	understood: DecodeSink['understood'] = () => {
		this.collected.understood = true;
	};
	presence: DecodeSink['presence'] = (place, said) => {
		this.collected.presence.push({ id: place.id, ...said });
	};
	ask: DecodeSink['ask'] = (topic, payload) => {
		this.collected.asked.push({ topic, payload });
	};
	hold: DecodeSink['hold'] = () => false;
	release: DecodeSink['release'] = () => undefined;
	take(): Collected {
		const taken = this.collected;
		this.collected = { values: [], rejected: [], described: [], asked: [], understood: false, presence: [] };
		return taken;
	}
}

export const NOW = Date.UTC(2026, 10, 23, 6, 0, 0);

/** One decoder that keeps its state from message to message. */
export function createReader(topicLevels?: readonly TopicLevelRole[]) {
	const decoder = new Decoder(topicLevels && [{ filter: '#', levels: topicLevels }]);
	const sink = new Collector();
	return (topic: string, payload: unknown, receivedAt = NOW): Collected => {
		const bytes =
			payload instanceof Uint8Array
				? payload
				: new TextEncoder().encode(typeof payload === 'string' ? payload : JSON.stringify(payload));
		decoder.decode({ topic, payload: bytes, retain: false, receivedAt }, sink);
		return sink.take();
	};
}

export const read = (topic: string, payload: unknown) => createReader()(topic, payload);
