/**
 * Data Acquisition, transport: one MQTT session with the plant's broker, kept alive.
 *
 * In: broker settings. Out: messages into a handler, link status with the reason when no data comes. At QoS 1 the session is
 * persistent and each message is acknowledged only when the handler says it is safe. Never gives up except where the
 * settings themselves must change.
 */
import type { MqttClient } from 'mqtt';
import {
	mqttVersionName,
	toPlainError,
	type BrokerSettings,
	type LinkStatus,
	type LinkTrouble,
	type MqttVersion
} from '../contracts';
import { MAX_PAYLOAD_BYTES } from './decode/decoder';
import type { PublishPacket } from './mqtt-frames';
import { isHopeless, troubleOfCode } from './mqtt-refusals';
import { MqttSocket } from './mqtt-socket';
import type { World } from './ports';
import type { HostState, SparkplugHost } from './sparkplug-host';

/** How long the broker keeps what we have not acknowledged while no tablet is there. */
const SESSION_EXPIRY_S = 7 * 86_400;
/** Messages the broker may have under way at once (MQTT 5): those of a commit and of the next group, also where a commit takes half a second. */
const RECEIVE_MAXIMUM = 16_384;
const CONNECT_TIMEOUT_MS = 10_000;
const KEEPALIVE_S = 20;
const SILENCE_MS = 15_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
const HOPELESS_RETRY_MS = 60_000;
/** A connection that lasted this long resets the backoff. */
const STABLE_MS = 10_000;
/** One that only brought messages holds it here: about a second. Two tablets with one client id must not throw each other off at full speed. */
const FAILURES_AFTER_MESSAGES = 2;

export interface MqttSessionOptions {
	readonly settings: BrokerSettings;
	readonly clientId: string;
	/** Filters of an earlier subscription in the same session that are no longer wanted. */
	readonly staleFilters?: readonly string[];
	/** This address has served a subscription before: when it closes without an answer, a broker or proxy behind it is starting again. */
	readonly hasServed?: boolean;
	/** MQTT version that it was served in, where that is not the one chosen. */
	readonly servedVersion?: MqttVersion;
	/** False: nothing is kept at the broker (a probe). */
	readonly persistent: boolean;
	readonly world: Pick<World, 'openSocket' | 'now' | 'random' | 'onHttpsPage'>;
	readonly onMessage: (packet: PublishPacket, safe: (() => void) | undefined) => void;
	readonly report: (status: Partial<LinkStatus>) => void;
	/**
	 * Resolves once what came over the last connection is stored. Until then none is opened: the broker would send all that is not
	 * acknowledged again, and a tablet that is behind would gather the same messages over and over.
	 */
	readonly settled?: () => Promise<unknown>;
	/**
	 * Whether no more can be held in memory. What comes then is neither taken nor acknowledged; once all before it is stored the
	 * connection is closed, and the broker sends it again over the next one.
	 */
	readonly isFull?: () => boolean;
	/** Whether to read on; if not, what comes waits unread, until `readOn`. */
	readonly hasRoom?: () => boolean;
	/** Says of this device, as a Sparkplug primary host, whether it is there. */
	readonly host?: SparkplugHost;
	/** Called before a connection is opened: what was sent since the last may not come. */
	readonly onConnecting?: () => void;
	/** Called with the filters once the broker granted them, and the MQTT version that it speaks. */
	readonly onSubscribed?: (filters: readonly string[], version: MqttVersion) => void;
}

interface Ending {
	readonly trouble?: LinkTrouble;
	readonly detail?: string;
	readonly connectedForMs: number;
	/** Messages came. */
	readonly heard?: boolean;
}

export function splitFilters(topicFilter: string): string[] {
	return [...new Set(topicFilter.split(/[\s,]+/).filter((filter) => filter !== ''))];
}

/** The address a person may see: no user, no password. */
export function addressOf(url: string): string {
	return url.replace(/^(wss?:\/\/)[^/@]*@/i, '$1');
}

export class MqttSession {
	#stopped = false;
	#tellStopping = () => {};
	readonly #stopping = new Promise<void>((resolve) => (this.#tellStopping = resolve));
	#client: MqttClient | undefined;
	#socket: MqttSocket | undefined;
	#wake: (() => void) | undefined;
	#subscribedBefore = false;
	/** The one chosen until the broker refuses it, then the other. */
	#version: MqttVersion;
	/** The broker refused the other version just before. */
	#otherRefused = false;
	readonly #filters: readonly string[];
	readonly #address: string;

	constructor(private readonly options: MqttSessionOptions) {
		this.#version = options.servedVersion ?? options.settings.protocolVersion;
		this.#filters = splitFilters(options.settings.topicFilter);
		this.#address = addressOf(options.settings.url);
	}

	/** Connects and keeps connected until `stop`. */
	async run(): Promise<void> {
		const { world, report, settings } = this.options;
		if (world.onHttpsPage && /^ws:/i.test(settings.url) && !isLoopback(settings.url)) {
			report({
				state: 'failed',
				address: this.#address,
				trouble: 'needs-wss',
				detail: 'A page opened over https may only open wss:// addresses'
			});
			return;
		}
		const onOnline = () => this.#wake?.();
		globalThis.addEventListener?.('online', onOnline);
		for (let failures = 0; !this.#stopped;) {
			report({
				state: failures === 0 && !this.#subscribedBefore ? 'connecting' : 'reconnecting',
				address: this.#address
			});
			this.options.onConnecting?.();
			// The code for it is fetched when first needed, and may not come either.
			const ending = await this.#connectOnce().catch((error: unknown): Ending => ({
				trouble: 'broker-unreachable',
				detail: toPlainError(error).message,
				connectedForMs: 0
			}));
			if (this.#stopped) break;
			if (this.#tryOtherVersion(ending)) continue;
			if (ending.connectedForMs >= STABLE_MS) failures = 1;
			else failures = Math.min(failures + 1, ending.heard ? FAILURES_AFTER_MESSAGES : Infinity);
			const delay = isHopeless(ending.trouble) ? HOPELESS_RETRY_MS : this.#backoff(failures);
			report({
				state: isHopeless(ending.trouble) ? 'failed' : 'reconnecting',
				trouble: ending.trouble ?? 'broker-unreachable',
				detail: ending.detail,
				retryAt: world.now() + delay
			});
			await this.#pause(delay);
			const settled = this.options.settled?.().catch(() => undefined);
			if (settled && !this.#stopped) await Promise.race([settled, this.#stopping]);
		}
		globalThis.removeEventListener?.('online', onOnline);
	}

	/** A broker that refuses one MQTT version is asked in the other at once. */
	#tryOtherVersion({ trouble }: Ending): boolean {
		if (trouble !== 'protocol-refused') {
			this.#otherRefused = false;
			return false;
		}
		this.#version = this.#version === 5 ? 4 : 5;
		this.#otherRefused = !this.#otherRefused;
		return this.#otherRefused;
	}

	/** Leaves cleanly. `forget`: the broker keeps nothing for us any more. */
	async stop(forget = false): Promise<void> {
		this.#stopped = true;
		this.#tellStopping();
		this.#wake?.();
		const client = this.#client;
		if (!client) return;
		if (forget && client.connected) await settle((done) => client.unsubscribe([...this.#filters], done), 1_000);
		const { host } = this.options;
		if (host && client.connected) await settle((done) => publishState(client, host.offline(), done), 1_000);
		const version5 = this.#version === 5;
		const leave = version5 && forget ? { properties: { sessionExpiryInterval: 0 } } : {};
		await settle((done) => client.end(!client.connected, leave, done), 1_500);
	}

	/** Publishes for the decoders (a rebirth request); lost if not connected, the decoder asks again. */
	publish(topic: string, payload: Uint8Array): void {
		if (this.#client?.connected) this.#client.publish(topic, payload as Buffer, { qos: 0 });
	}

	/** MQTT version that is spoken, or tried next. */
	get version(): MqttVersion {
		return this.#version;
	}

	/** There may be room again for what waits unread. */
	readOn(): void {
		this.#socket?.readOn();
	}

	/** One connection from opening to end. */
	async #connectOnce(): Promise<Ending> {
		const { settings, world, persistent, clientId, onMessage, report, host } = this.options;
		const { default: mqtt } = await import('mqtt');
		if (this.#stopped) return { connectedForMs: 0 };
		let socket: MqttSocket | undefined;
		let connectedAt: number | undefined;
		let silence: ReturnType<typeof setTimeout> | undefined;
		let heard = false;
		let subscribed = false;
		let silent = false;
		let isPausing = false;
		let ending: { trouble: LinkTrouble; detail: string } | undefined;
		/** Lets what is held be stored and acknowledged, then has the broker begin again with what is not. */
		const pauseIfFull = () => {
			if (isPausing || !this.options.isFull?.()) return;
			isPausing = true;
			ending = {
				trouble: 'storage-failing',
				detail: 'More has come than can be stored at once: the broker waits with the rest'
			};
			report(ending);
			const settled = this.options.settled?.().catch(() => undefined);
			void Promise.race([settled, this.#stopping]).then(() => client.end(true));
		};

		const onPublish = (packet: PublishPacket) => {
			const from = socket!;
			if (host && packet.topic === host.topic) {
				if (packet.qos === 1) from.acknowledge(packet.packetId);
				const answer = subscribed && !this.#stopped ? host.answer(packet.payload) : undefined;
				if (answer) publishState(client, answer);
				return;
			}
			if (packet.qos === 1) {
				pauseIfFull();
				if (isPausing) return;
			}
			if (!heard) {
				heard = true;
				clearTimeout(silence);
				if (silent) report({ trouble: undefined, detail: undefined });
			}
			onMessage(packet, packet.qos === 1 ? () => from.acknowledge(packet.packetId) : undefined);
			if (packet.qos === 1) pauseIfFull();
		};
		const version = this.#version;
		const version5 = version === 5;
		const keep = persistent && settings.qos === 1;
		const client = mqtt.connect(withoutCredentials(settings.url), {
			protocolVersion: version,
			clientId,
			clean: !keep,
			username: settings.username || undefined,
			password: settings.password || undefined,
			keepalive: KEEPALIVE_S,
			connectTimeout: CONNECT_TIMEOUT_MS,
			reconnectPeriod: 0,
			resubscribe: false,
			timerVariant: 'native',
			forceNativeWebSocket: true,
			...(host && { will: { ...host.will(), qos: 1 as const, retain: true } }),
			...(version5 && {
				properties: { receiveMaximum: RECEIVE_MAXIMUM, ...(keep && { sessionExpiryInterval: SESSION_EXPIRY_S }) }
			}),
			createWebsocket: (_url: string, protocols: string[]) => {
				const real = world.openSocket(withoutCredentials(settings.url), protocols[0] ?? 'mqtt');
				// Room for topic and header beside the largest payload.
				const largest = MAX_PAYLOAD_BYTES + 70_000;
				socket = new MqttSocket(real, version, largest, onPublish, this.options.hasRoom);
				return (this.#socket = socket);
			}
		});
		this.#client = client;

		client.on('connect', (packet) => {
			connectedAt = world.now();
			this.#otherRefused = false;
			const spoken = { mqttVersion: mqttVersionName(version) };
			report({ state: 'connected', connectedAt, trouble: undefined, detail: undefined, retryAt: undefined, ...spoken });
			const stale = packet.sessionPresent ? (this.options.staleFilters ?? []) : [];
			const unwanted = stale.filter((filter) => !this.#filters.includes(filter));
			if (unwanted.length > 0) client.unsubscribe(unwanted);
			this.#subscribe(client, (problem) => {
				if (problem) {
					report({ trouble: 'subscription-refused', detail: problem });
					return;
				}
				this.#subscribedBefore = true;
				subscribed = true;
				if (host) publishState(client, host.online());
				this.options.onSubscribed?.(this.#filters, version);
				silence = setTimeout(() => {
					if (heard) return;
					silent = true;
					const said = this.#filters.map((filter) => `"${filter}"`).join(', ');
					const detail = `Subscribed to ${said}, but nothing has come for ${SILENCE_MS / 1000} s: does the filter match the topics?`;
					report({ trouble: 'no-messages', detail });
				}, SILENCE_MS);
			});
		});
		client.on('disconnect', (packet) => {
			const code = packet.reasonCode ?? 0;
			const trouble = code === 135 ? 'not-authorised' : troubleOfCode(code);
			const taken = code === 142 ? ' (another connection uses the same client id)' : '';
			ending = { trouble, detail: `The broker ended the connection with code ${code}${taken}` };
		});
		client.on('error', (error: Error & { code?: unknown }) => {
			if (typeof error.code === 'number' && error.code > 0) {
				const trouble = troubleOfCode(error.code);
				const asked = trouble === 'protocol-refused' ? `MQTT ${mqttVersionName(version)}: ` : '';
				ending ??= { trouble, detail: `${asked}${error.message} (code ${error.code})` };
			} else if (connectedAt === undefined && socket?.opened) {
				ending ??= {
					trouble: this.#unanswered,
					detail: `The address answers, but not as an MQTT broker: ${error.message}`
				};
			} else ending ??= { trouble: 'broker-unreachable', detail: error.message };
		});

		await new Promise<void>((resolve) => client.once('close', () => resolve()));
		clearTimeout(silence);
		if (this.#client === client) this.#client = undefined;
		const connectedForMs = connectedAt === undefined ? 0 : world.now() - connectedAt;
		if (!ending && connectedAt === undefined && socket?.opened) {
			ending = {
				trouble: this.#unanswered,
				detail: 'The address accepts WebSockets but closed before answering as an MQTT broker; try another path'
			};
		}
		client.end(true);
		return {
			trouble: ending?.trouble,
			detail:
				ending?.detail ?? (connectedAt === undefined ? `No connection to ${this.#address}` : 'The connection was lost'),
			connectedForMs,
			heard
		};
	}

	/** What it means that an address opens and does not answer: where it has served before, it soon will again. */
	get #unanswered(): LinkTrouble {
		return this.#subscribedBefore || this.options.hasServed ? 'broker-unreachable' : 'protocol-refused';
	}

	#subscribe(client: MqttClient, done: (problem: string | undefined) => void): void {
		const { settings } = this.options;
		// Retained messages once per run, not at each reconnect (MQTT 5 only: 3.1.1 always sends them).
		const rh = this.#subscribedBefore ? 1 : 0;
		const wanted = Object.fromEntries(this.#filters.map((filter) => [filter, { qos: settings.qos, rh }]));
		const own = this.options.host?.topic;
		client.subscribe({ ...wanted, ...(own && { [own]: { qos: 1 as const } }) }, (error, granted, packet) => {
			const codes = (packet?.granted ?? []) as number[];
			const refused = this.#filters.filter((_, index) => (codes[index] ?? 0) >= 128);
			if (refused.length > 0)
				return done(`The broker refused the filter ${refused.join(', ')} (code ${codes.find((code) => code >= 128)})`);
			if (error && !client.disconnecting && client.connected)
				return done(`${error.message} (filter ${settings.topicFilter})`);
			if (!error && granted) done(undefined);
		});
	}

	#backoff(failures: number): number {
		const ceiling = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
		return Math.round(ceiling * (0.5 + this.options.world.random() / 2));
	}

	#pause(ms: number): Promise<void> {
		return new Promise((resolve) => {
			const timer = setTimeout(resolve, ms);
			this.#wake = () => {
				clearTimeout(timer);
				resolve();
			};
		});
	}
}

function publishState(client: MqttClient, { topic, payload }: HostState, done?: () => void): void {
	client.publish(topic, payload, { qos: 1, retain: true }, () => done?.());
}

function withoutCredentials(url: string): string {
	return addressOf(url);
}

/** Browsers let https pages open ws:// to the same machine. */
function isLoopback(url: string): boolean {
	return /^ws:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|\/|$)/i.test(url);
}

/** Waits for a callback, at most `limitMs`. */
function settle(start: (done: () => void) => void, limitMs: number): Promise<void> {
	return new Promise((resolve) => {
		const timer = setTimeout(resolve, limitMs);
		start(() => {
			clearTimeout(timer);
			resolve();
		});
	});
}
