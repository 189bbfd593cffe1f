/**
 * Data Acquisition: what the tab that owns the source does. Follows the `source` setting from one transport to the next, keeps
 * status and counters, posts both to the live channel at most twice a second, and stores the intake log.
 */
import type {
	BrokerSettings,
	DemoSettings,
	EpochMs,
	LinkStatus,
	LinkTrouble,
	MqttVersion,
	PlainError,
	SourceMapping,
	SourceSettings
} from '../contracts';
import { MAPPING_KEY, toPlainError } from '../contracts';
import { GroupCommit } from './group-commit';
import { Intake, MAX_HELD_READINGS } from './intake';
import { IntakeTally } from './intake-tally';
import { MqttSession } from './mqtt-session';
import type { AcquisitionStore, LiveChannel, World } from './ports';
import { DataWatch } from './quality/data-watch';
import { SimulatedTransport } from './simulated-transport';
import { SparkplugHost } from './sparkplug-host';

const TICK_MS = 500;
const PERSIST_EVERY_MS = 5_000;
/** Messages that come without one of them being understood for this long say that the payloads are foreign. */
const NOT_UNDERSTOOD_MS = 4_000;
/** How often the data itself is looked at; less often where one look takes long. */
const HEALTH_EVERY_MS = 5_000;
const HEALTH_SHARE = 0.02;
const STOP_LIMIT_MS = 4_000;
const SESSION_KEY = 'mqtt-session';
/** Unacknowledged messages that may be held back until a birth explains them: MQTT 3.1.1 brokers may stop at 20. */
const HELD_ACKNOWLEDGEMENTS = { 5: 4_096, 4: 10 } as const;

/** A source being run. */
interface Running {
	/** `forget`: the source is left for good, not only this tab. */
	stop(forget: boolean): Promise<void>;
}

/** What the broker keeps for us, to be tidied when filters change. */
interface StoredSession {
	readonly clientId: string;
	readonly url?: string;
	readonly filters?: readonly string[];
	/** MQTT version chosen then, and the one that the broker spoke. */
	readonly versions?: { readonly chosen: MqttVersion; readonly spoken: MqttVersion };
}

export class SourceOwner {
	readonly #tally: IntakeTally;
	readonly #commit: GroupCommit;
	readonly #watch: DataWatch;
	#intake: Intake | undefined;
	/** When the data is looked at next, by the clock that nobody sets; Infinity while it is. */
	#healthDue = 0;
	#status: LinkStatus = { state: 'idle', source: 'none', owner: true };
	#statusDirty = true;
	#statusPostedAt = 0;
	#storageProblem: PlainError | undefined;
	#settings: SourceSettings | undefined;
	#wanted: SourceSettings | undefined;
	#running: Running | undefined;
	#reconciling: Promise<void> | undefined;
	#stopping = false;
	#persistedAt = 0;
	#lastMessageAt: EpochMs | undefined;
	#runStart = { at: 0, messages: 0, understood: 0 };

	constructor(
		private readonly world: World,
		private readonly store: AcquisitionStore,
		private readonly channel: LiveChannel,
		private readonly clientName: string
	) {
		this.#tally = new IntakeTally(world.now());
		this.#watch = new DataWatch((sensorIds) => store.series.latest(sensorIds));
		this.#commit = new GroupCommit(store, {
			committed: (batch, receipt) => {
				this.#tally.stored += receipt.stored;
				const first = batch.sensorIds[0] ?? '';
				const note = (count: number, what: string) => () => ({
					topic: first.slice(0, first.lastIndexOf(':')),
					payload: '',
					message: `${count} of ${batch.times.length} readings committed together ${what}`
				});
				const now = world.now();
				if (receipt.duplicates > 0)
					this.#tally.count('duplicate', receipt.duplicates, now, note(receipt.duplicates, 'were stored before'));
				if (receipt.conflicts > 0)
					this.#tally.count(
						'conflicting-duplicate',
						receipt.conflicts,
						now,
						note(receipt.conflicts, 'have the time of one stored before, with another value')
					);
				if (receipt.outOfOrder > 0)
					this.#tally.count(
						'out-of-order',
						receipt.outOfOrder,
						now,
						note(receipt.outOfOrder, 'are older than ones before')
					);
				this.#tally.changed = true;
				this.channel.post({ kind: 'readings', batch });
				this.#watch.observe(batch);
			},
			failing: (problem) => {
				this.#storageProblem = problem;
				this.#statusDirty = true;
				this.#postStatus();
			},
			refused: (readings, problem) =>
				this.#tally.count('decoder-failed', readings, world.now(), () => ({
					topic: '',
					payload: '',
					message: `storage refused ${readings} readings: ${problem.message}`
				}))
		});
	}

	/** Owns the source until `signal` aborts. */
	async run(signal: AbortSignal): Promise<void> {
		const unwatch = this.store.settings.watchSource((settings) => {
			this.#wanted = settings;
			this.#reconcile();
		});
		const unwatchRegistry = this.store.registry.watch((machines, sensors) => {
			this.#watch.takeRegistry(machines, sensors);
			this.#intake?.learn(machines, sensors);
		});
		const tick = setInterval(() => this.#tick(), TICK_MS);
		await new Promise<void>((resolve) => {
			if (signal.aborted) resolve();
			else signal.addEventListener('abort', () => resolve(), { once: true });
		});
		this.#stopping = true;
		unwatch();
		unwatchRegistry();
		// Storage that fails must not keep this tab from leaving: what is not committed was not acknowledged either.
		await within(STOP_LIMIT_MS, async () => {
			await this.#reconciling;
			await this.#running?.stop(false);
		});
		await this.#commit.close(STOP_LIMIT_MS);
		clearInterval(tick);
		await within(STOP_LIMIT_MS, () => Promise.all([this.#persistLog(true), this.#keepEdgeNodes()]));
		this.#report({ state: 'stopped', trouble: undefined, detail: undefined, retryAt: undefined });
		this.announce();
	}

	announce(): void {
		this.#statusDirty = true;
		this.#postStatus(true);
		this.#postCounters();
		const report = this.#watch.newest;
		if (report) this.channel.post({ kind: 'data-health', report });
	}

	#reconcile(): void {
		this.#reconciling ??= this.#follow().finally(() => {
			this.#reconciling = undefined;
			if (!this.#stopping && this.#wanted && !same(this.#wanted, this.#settings)) this.#reconcile();
		});
	}

	async #follow(): Promise<void> {
		while (!this.#stopping && this.#wanted && !same(this.#wanted, this.#settings)) {
			const settings = this.#wanted;
			try {
				if (this.#running) await this.#running.stop(true);
				this.#running = undefined;
				await this.#commit.flush();
				this.#settings = settings;
				this.#running = await this.#startSource(settings);
			} catch (error) {
				const problem = toPlainError(error);
				this.#report({ state: 'failed', trouble: 'storage-failing', detail: problem.message });
				this.#settings = undefined;
				await new Promise((resolve) => setTimeout(resolve, 2_000));
			}
		}
	}

	async #startSource(settings: SourceSettings): Promise<Running | undefined> {
		this.#lastMessageAt = undefined;
		this.#intake = undefined;
		this.#status = { state: 'idle', source: settings.kind, owner: true };
		this.#statusDirty = true;
		this.#runStart = { at: this.world.now(), messages: this.#tally.messages, understood: this.#tally.understood };
		if (settings.kind === 'demo') return this.#startDemo(settings.demo);
		if (settings.kind === 'broker') return this.#startBroker(settings.broker);
		this.#postStatus();
		return undefined;
	}

	async #startDemo(demo: DemoSettings): Promise<Running> {
		const intake = new Intake(this.#commit, this.#tally, {
			origin: 'demo',
			measureWaveform: this.world.measureWaveform
		});
		await intake.load(this.store);
		this.#intake = intake;
		const transport = new SimulatedTransport(demo, {
			world: this.world,
			store: this.store,
			intake,
			commit: this.#commit,
			report: (status) => this.#report(status)
		});
		const run = transport.run().catch((error: unknown) => {
			this.#report({ state: 'failed', detail: toPlainError(error).message });
		});
		return {
			stop: async () => {
				transport.stop();
				await run;
			}
		};
	}

	async #startBroker(broker: BrokerSettings): Promise<Running> {
		const stored = await this.#storedSession();
		const intake = new Intake(this.#commit, this.#tally, {
			origin: 'live',
			levelRules: broker.topicLevels && [{ filter: '#', levels: broker.topicLevels }],
			mapping: await this.store.settings.get<SourceMapping>(MAPPING_KEY),
			mostHeldAcknowledgements: () => HELD_ACKNOWLEDGEMENTS[session.version],
			measureWaveform: this.world.measureWaveform,
			ask: (topic, payload) => session.publish(topic, payload)
		});
		await intake.load(this.store);
		// Edge nodes of another broker are others.
		if (stored.url === broker.url) intake.edgeNodes.load(await this.store.edgeNodes.all());
		else await this.store.edgeNodes.clear();
		this.#intake = intake;
		const unwatchMapping = this.store.settings.watch<SourceMapping>(MAPPING_KEY, (mapping) =>
			intake.setMapping(mapping)
		);
		const chosen = broker.protocolVersion;
		const isSameChoice = stored.url === broker.url && stored.versions?.chosen === chosen;
		const session: MqttSession = new MqttSession({
			settings: broker,
			clientId: stored.clientId,
			staleFilters: stored.url === broker.url ? stored.filters : undefined,
			hasServed: stored.url === broker.url,
			...(isSameChoice && { servedVersion: stored.versions?.spoken }),
			persistent: true,
			...(broker.sparkplugHostId && { host: new SparkplugHost(broker.sparkplugHostId, this.world.now) }),
			world: this.world,
			report: (status) => this.#report(status),
			onConnecting: () => intake.edgeNodes.doubt(),
			settled: () => this.#commit.flush(),
			hasRoom: () => this.#commit.hasRoom,
			isFull: () => this.#commit.lacksMemory || this.#commit.pendingReadings > MAX_HELD_READINGS,
			onMessage: (packet, safe) => {
				const receivedAt = this.world.now();
				this.#lastMessageAt = receivedAt;
				const { topic, payload, retain, refusedBytes } = packet;
				const message = { topic, payload, retain, receivedAt };
				if (refusedBytes === undefined) intake.take(message, safe);
				else intake.refuse(message, refusedBytes, safe);
			},
			onSubscribed: (filters, spoken) => {
				const { clientId } = stored;
				const kept = { clientId, url: broker.url, filters, versions: { chosen, spoken } };
				void this.store.settings.set<StoredSession>(SESSION_KEY, kept).catch(() => undefined);
			}
		});
		this.#commit.onRoom = () => session.readOn();
		const run = session.run().catch((error: unknown) => {
			this.#report({ state: 'failed', trouble: 'broker-unreachable', detail: toPlainError(error).message });
		});
		return {
			stop: async (forget) => {
				unwatchMapping();
				// What has arrived is committed and acknowledged before the connection goes.
				await within(STOP_LIMIT_MS, () => this.#commit.flush());
				await session.stop(forget);
				await run;
			}
		};
	}

	/** The client id is this installation's own and stays: the broker knows by it what we have not acknowledged. */
	async #storedSession(): Promise<StoredSession> {
		const stored = await this.store.settings.get<StoredSession>(SESSION_KEY);
		if (stored?.clientId) return stored;
		const random = crypto.getRandomValues(new Uint8Array(5));
		const suffix = Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
		// MQTT 3.1.1 brokers must take 23 letters and digits; "mw" + 10 of the name + 10 random stays below.
		const name = this.clientName.replace(/[^0-9a-zA-Z]/g, '').slice(0, 10);
		const fresh: StoredSession = { clientId: `mw${name}${suffix}` };
		await this.store.settings.set(SESSION_KEY, fresh);
		return fresh;
	}

	#report(change: Partial<LinkStatus>): void {
		const before = this.#status;
		this.#status = { ...before, ...change };
		this.#statusDirty = true;
		if (before.state !== this.#status.state && this.#healthDue !== Infinity) this.#healthDue = 0;
		if (before.state !== this.#status.state || before.trouble !== this.#status.trouble) this.#postStatus(true);
	}

	#tick(): void {
		this.#checkUnderstood();
		if (this.#lastMessageAt !== undefined && this.#lastMessageAt !== this.#status.lastMessageAt)
			this.#report({ lastMessageAt: this.#lastMessageAt });
		this.#postStatus();
		if (this.#tally.changed || this.#commit.pendingMessages > 0) this.#postCounters();
		void this.#persistLog(false);
		this.#intake?.giveUpHeld(this.world.now());
		void this.#keepEdgeNodes();
		this.#lookAtData();
	}

	#lookAtData(): void {
		if (performance.now() < this.#healthDue) return;
		this.#healthDue = Infinity;
		const corrections = this.#intake?.corrections() ?? new Map();
		const { state } = this.#status;
		void this.#watch.report(this.world.now(), this.#status, corrections).then(({ report, tookMs }) => {
			// A link that came or went meanwhile makes other findings.
			const pauseMs = state === this.#status.state ? Math.max(HEALTH_EVERY_MS, tookMs / HEALTH_SHARE) : 0;
			this.#healthDue = performance.now() + pauseMs;
			if (!this.#stopping) this.channel.post({ kind: 'data-health', report });
		});
	}

	#checkUnderstood(): void {
		const { state, source, trouble } = this.#status;
		if (source !== 'broker' || state !== 'connected') return;
		const messages = this.#tally.messages - this.#runStart.messages;
		const understood = this.#tally.understood - this.#runStart.understood;
		if (understood > 0) {
			if (trouble === 'not-understood') this.#report({ trouble: undefined, detail: undefined });
		} else if (messages > 0 && this.world.now() - this.#runStart.at > NOT_UNDERSTOOD_MS && trouble === undefined) {
			const text = `${messages} messages have come and none holds a number that can be read; see the examples`;
			this.#report({ trouble: 'not-understood', detail: text });
		}
	}

	#postStatus(force = false): void {
		const now = this.world.now();
		if (!this.#statusDirty || (!force && now - this.#statusPostedAt < TICK_MS - 50)) return;
		this.#statusDirty = false;
		this.#statusPostedAt = now;
		const failing: { trouble: LinkTrouble; detail: string } | undefined = this.#storageProblem && {
			trouble: 'storage-failing',
			detail: this.#storageProblem.message
		};
		this.channel.post({ kind: 'link', status: { ...this.#status, ...failing } });
	}

	#postCounters(): void {
		this.#tally.changed = false;
		const counters = this.#tally.counters(this.world.now(), this.#commit.pendingMessages);
		// The rate falls to nothing by itself: keep posting until it has.
		if (counters.messagesPerSecond > 0) this.#tally.changed = true;
		this.channel.post({ kind: 'intake', counters });
	}

	async #keepEdgeNodes(): Promise<void> {
		const nodes = this.#intake?.edgeNodes;
		const changes = nodes?.takeChanges(this.world.now());
		if (changes) await this.store.edgeNodes.save(changes).catch(() => nodes!.giveBack(changes));
	}

	async #persistLog(now: boolean): Promise<void> {
		const time = this.world.now();
		if (!now && time - this.#persistedAt < PERSIST_EVERY_MS) return;
		this.#persistedAt = time;
		for (const { reason, count, last } of this.#tally.takeUnpersisted())
			await this.store.intakeLog.record(reason, count, last).catch(() => undefined);
	}
}

function same(a: SourceSettings, b: SourceSettings | undefined): boolean {
	return JSON.stringify(a) === JSON.stringify(b);
}

/** Waits for `work`, at most `limitMs`. */
async function within(limitMs: number, work: () => Promise<unknown>): Promise<void> {
	let timer: ReturnType<typeof setTimeout> | undefined;
	const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
	await Promise.race([work(), limit]);
	clearTimeout(timer);
}
