/**
 * Command line: publishes a simulated plant to a broker in real time.
 *
 * In: a plant and an address. Out: its retained descriptions at once, then one message per machine and step, paced by the
 * clock without drift. While the broker is away the plant runs on; beyond a backlog, messages are dropped and counted.
 */
import type { SimulatedMessage, SimulatedPlant } from '../index';
import { openLink, type LinkOptions } from './mqtt-link';

export interface PublishOptions extends LinkOptions {
	/** Default 1. */
	readonly qos?: 0 | 1;
	/** Put before every topic, with a '/'. */
	readonly topicPrefix?: string;
	/** Milliseconds of real time per step; default 1000. */
	readonly stepMs?: number;
	/** Stops by itself after so many steps. */
	readonly steps?: number;
}

export interface PublishCounts {
	readonly steps: number;
	/** Live messages handed to the link, and of those acknowledged (QoS 1) or sent (QoS 0). */
	readonly published: number;
	readonly acknowledged: number;
	/** Not handed over because too many were waiting for a broker that is away. */
	readonly dropped: number;
}

export interface PlantPublisher {
	readonly counts: PublishCounts;
	/** Settles when `steps` are done, or on `stop`. Rejects when publishing fails for good. */
	readonly finished: Promise<PublishCounts>;
	/** Stops stepping, waits for acknowledgements, disconnects. */
	stop(): Promise<PublishCounts>;
}

/** Messages waiting for acknowledgement beyond which new ones are dropped. */
const BACKLOG = 20_000;

/** @throws MillwrightError `invalid-input` or `link-failed` when the broker cannot be had. */
export async function publishPlant(
	plant: SimulatedPlant,
	mqttUrl: string,
	options: PublishOptions = {}
): Promise<PlantPublisher> {
	const { qos = 1, stepMs = 1000, steps = Infinity } = options;
	const prefix = options.topicPrefix ? `${options.topicPrefix.replace(/\/+$/, '')}/` : '';
	const link = await openLink(mqttUrl, options);
	const counts = { steps: 0, published: 0, acknowledged: 0, dropped: 0 };
	const send = ({ topic, payload, retain }: SimulatedMessage) =>
		link.publish(prefix + topic, JSON.stringify(payload), { qos: retain ? 1 : qos, retain });
	try {
		await Promise.all(plant.meta().map(send));
	} catch (error) {
		await link.close(0);
		throw error;
	}

	let timer: NodeJS.Timeout | undefined;
	let stopping: Promise<PublishCounts> | undefined;
	let settle!: (result: PublishCounts | Promise<PublishCounts>) => void;
	const finished = new Promise<PublishCounts>((resolve) => (settle = resolve));
	const start = performance.now();

	function stepOnce(): void {
		counts.steps++;
		for (const message of plant.step()) {
			if (counts.published - counts.acknowledged >= BACKLOG) {
				counts.dropped++;
				continue;
			}
			counts.published++;
			// a message that a closing client gives up is simply not acknowledged
			send(message).then(
				() => counts.acknowledged++,
				() => undefined
			);
		}
	}
	function tick(): void {
		// more than one when the process was held up
		while (counts.steps < steps && performance.now() - start >= counts.steps * stepMs) stepOnce();
		if (counts.steps >= steps) void stop();
		else timer = setTimeout(tick, Math.max(0, start + counts.steps * stepMs - performance.now()));
	}
	function stop(): Promise<PublishCounts> {
		stopping ??= (async () => {
			clearTimeout(timer);
			await link.close();
			return { ...counts };
		})();
		settle(stopping);
		return stopping;
	}
	tick();
	return { counts, finished, stop };
}
