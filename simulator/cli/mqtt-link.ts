/**
 * Command line: one MQTT connection to publish on, with words for what goes wrong.
 *
 * In: broker address and credentials. Out: `publish` that settles when the broker has acknowledged (QoS 1) or the bytes are
 * on their way (QoS 0), and a `close` that waits for what is outstanding.
 */
import mqtt from 'mqtt';
import { MillwrightError } from '../../src/lib/contracts';

export interface LinkOptions {
	readonly username?: string;
	readonly password?: string;
	/** Told once for each loss of the link, and each return. */
	readonly onChange?: (state: 'lost' | 'back', detail: string) => void;
}

export interface MqttLink {
	readonly connected: boolean;
	publish(topic: string, payload: string, options: { readonly qos: 0 | 1; readonly retain?: boolean }): Promise<void>;
	/** Waits up to `graceMs` for outstanding acknowledgements, then disconnects. */
	close(graceMs?: number): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** The address without what is secret in it. */
function shownAddress(url: string): string {
	return url.replace(/\/\/[^@/]*@/, '//');
}

/** @throws MillwrightError `invalid-input` for an address that is none, `link-failed` when the broker cannot be had. */
export async function openLink(url: string, options: LinkOptions = {}): Promise<MqttLink> {
	if (!/^(wss?|mqtts?|tcp|tls|ssl):\/\/[^\s/]+/i.test(url))
		throw new MillwrightError(
			'invalid-input',
			`"${url}" is no broker address: it starts with mqtt://, mqtts://, ws:// or wss:// and names a host`,
			{ url }
		);
	const client = mqtt.connect(url, {
		username: options.username,
		password: options.password,
		protocolVersion: 4,
		reconnectPeriod: 1000,
		connectTimeout: CONNECT_TIMEOUT_MS,
		clean: true
	});
	await new Promise<void>((resolve, reject) => {
		// only our own listeners are taken off: the client reconnects by listeners of its own
		const leave = () => {
			client.off('connect', onConnect);
			client.off('error', onError);
			client.off('close', onClose);
		};
		const onConnect = () => {
			leave();
			resolve();
		};
		const onError = (cause?: Error) => {
			leave();
			// late errors of a client that is being thrown away
			client.on('error', () => undefined);
			client.end(true);
			const message = explain(url, cause, options.username !== undefined);
			reject(new MillwrightError('link-failed', message, { address: shownAddress(url) }, cause ? { cause } : {}));
		};
		const onClose = () => onError();
		client.on('connect', onConnect);
		client.on('error', onError);
		client.on('close', onClose);
	});

	let lastProblem = '';
	let lost = false;
	client.on('error', (error) => (lastProblem = reasonOf(error)));
	client.on('close', () => {
		if (lost || client.disconnecting) return;
		lost = true;
		options.onChange?.('lost', lastProblem || 'connection closed');
	});
	client.on('connect', () => {
		if (lost) options.onChange?.('back', shownAddress(url));
		lost = false;
	});
	const outstanding = new Set<Promise<unknown>>();
	return {
		get connected() {
			return client.connected;
		},
		publish(topic, payload, { qos, retain = false }) {
			const sent = client.publishAsync(topic, payload, { qos, retain }).then(() => undefined);
			outstanding.add(sent);
			const settle = () => void outstanding.delete(sent);
			sent.then(settle, settle);
			return sent;
		},
		async close(graceMs = client.connected ? 5000 : 1000) {
			let timer: NodeJS.Timeout | undefined;
			const grace = new Promise((resolve) => (timer = setTimeout(resolve, graceMs)));
			await Promise.race([Promise.allSettled([...outstanding]), grace]);
			clearTimeout(timer);
			await client.endAsync(!client.connected || outstanding.size > 0);
		}
	};
}

function reasonOf(error: Error): string {
	const inner = (error as AggregateError).errors as Error[] | undefined;
	return error.message || inner?.map((one) => one.message).join(', ') || error.name;
}

function explain(url: string, cause: Error | undefined, named: boolean): string {
	const address = shownAddress(url);
	const code = (cause as { code?: unknown } | undefined)?.code;
	// 3.1.1 has two codes, and brokers use the second for both
	if (code === 4 || code === 134 || (code === 5 && named))
		return `The broker at ${address} refuses this user name or password`;
	if (code === 5 || code === 135)
		return `The broker at ${address} does not allow this connection: user name and password needed?`;
	if (code === 'ECONNREFUSED') return `No broker answers at ${address}: nothing listens on that port`;
	if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `The host of ${address} is not known here`;
	const detail = cause ? reasonOf(cause) : 'the connection was closed before the broker said hello';
	return `Cannot reach the broker at ${address}: ${detail}`;
}
