/**
 * Data Acquisition, transport: the simulated plant inside the page (demo).
 *
 * In: demo settings, what is stored already. Out: messages into the intake: history first, as fast as storage takes it, then one
 * step per `STEP_MS` of wall clock, and between steps the history's waveforms, which nobody waits for. The plant is a function of its settings and start, so a reload continues the same plant
 * where storage ends and nothing is stored twice.
 */
import { createPlant, type SimulatedPlant } from '$simulator';
import type { DemoSettings, EpochMs, LinkStatus, MachineRecord } from '../contracts';
import type { GroupCommit } from './group-commit';
import type { Intake } from './intake';
import type { AcquisitionStore, World } from './ports';

const STEP_MS = 1_000;
const WAVEFORM_EVERY_MS = 60_000;
/** Between two waveforms of the history, made and measured in some 15 ms each while the plant is live. */
const WAVEFORM_PAUSE_MS = 40;
/** After the first live step: the first verdicts go before them, and before the history is compressed. */
const SETTLED_AFTER_MS = 2_000;
const WAVEFORM_HISTORY_EVERY_MS = 10 * 60_000;
/** Of so much history it is told that it is being made. */
const LONG_HISTORY_MS = 10 * 60_000;
/** Longest absence that is filled by simulating it; after a longer one the demo starts afresh with new history. */
const LONGEST_GAP_MS = 60 * 60_000;
const PLAN_KEY = 'demo-plan';
export const GROUND_TRUTH_KEY = 'demo-ground-truth';
const GROUND_TRUTH_EVERY_MS = 3_000;
/** Steps of machines between two looks at the event loop. */
const SLICE = 4_000;
/** About three commits: while one is written the next gathers. */
const MAX_READINGS_WAITING = 200_000;

interface DemoPlan {
	readonly settings: string;
	readonly startTime: EpochMs;
	readonly liveFrom: EpochMs;
}

export interface DemoContext {
	readonly world: Pick<World, 'now'>;
	readonly store: AcquisitionStore;
	readonly intake: Intake;
	readonly commit: GroupCommit;
	readonly report: (status: Partial<LinkStatus>) => void;
}

export class SimulatedTransport {
	#stopped = false;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#wake: (() => void) | undefined;
	readonly #encoder = new TextEncoder();

	constructor(
		private readonly settings: DemoSettings,
		private readonly context: DemoContext
	) {}

	/** Runs until `stop`. Rejects if the settings make no plant. */
	async run(): Promise<void> {
		const { world, report } = this.context;
		const address = `${this.settings.machines} simulated machines`;
		report({ state: 'connecting', address, detail: 'Preparing the simulated plant' });
		const { plan, storedUntil } = await this.#plan();
		const plant = createPlant({
			machines: this.settings.machines,
			seed: this.settings.seed,
			scenario: this.settings.scenario,
			startTime: plan.startTime,
			liveFrom: plan.liveFrom,
			stepMs: STEP_MS,
			waveforms: { everyMs: WAVEFORM_EVERY_MS, historyEveryMs: WAVEFORM_HISTORY_EVERY_MS, historyLater: true }
		});
		const missingMs = world.now() - (storedUntil ?? plan.startTime);
		report({ fillingHistory: missingMs > LONG_HISTORY_MS });
		for (const { topic, payload } of plant.meta()) this.context.intake.takeObject(topic, payload, world.now(), true);
		await this.#skipStored(plant, storedUntil);
		await this.#catchUp(plant);
		if (this.#stopped) return;
		report({ state: 'connected', detail: undefined, fillingHistory: undefined, connectedAt: world.now() });
		await this.#goLive(plant);
	}

	stop(): void {
		this.#stopped = true;
		clearTimeout(this.#timer);
		this.#wake?.();
	}

	/** The stored plan if it can be continued, else a new one. */
	async #plan(): Promise<{ plan: DemoPlan; storedUntil: EpochMs | undefined }> {
		const { store, world } = this.context;
		const settings = JSON.stringify(this.settings);
		const old = await store.settings.get<DemoPlan>(PLAN_KEY);
		const machines = (await store.registry.machines()).filter(({ origin }) => origin === 'demo');
		const storedUntil = machines.length > 0 ? await this.#newestStored() : undefined;
		const now = Math.floor(world.now() / STEP_MS) * STEP_MS;
		if (old && storedUntil !== undefined && storedUntil <= now && now - storedUntil <= LONGEST_GAP_MS) {
			if (old.settings === settings) return { plan: old, storedUntil };
		}
		// Another plant, or too long ago: its values would mix with the new history at the same times.
		for (const { id } of machines as MachineRecord[]) {
			await store.series.deleteMachine(id);
			await store.waveforms?.deleteMachine(id);
		}
		const plan = { settings, startTime: now - this.settings.historyMinutes * 60_000, liveFrom: now };
		await store.settings.set(PLAN_KEY, plan);
		return { plan, storedUntil: undefined };
	}

	async #newestStored(): Promise<EpochMs | undefined> {
		const { store } = this.context;
		const ids = (await store.registry.sensors()).map(({ id }) => id);
		let newest: EpochMs | undefined;
		for (const { time } of (await store.series.latest(ids)).values())
			if (newest === undefined || time > newest) newest = time;
		return newest;
	}

	/** Goes through what is stored already without making messages; the last stored step is made again, it may be half there. */
	async #skipStored(plant: SimulatedPlant, storedUntil: EpochMs | undefined): Promise<void> {
		if (storedUntil === undefined) return;
		let steps = Math.floor((storedUntil - plant.time) / STEP_MS) - 1;
		const perSlice = Math.max(1, Math.floor((SLICE * 10) / this.settings.machines));
		while (steps > 0 && !this.#stopped) {
			const now = Math.min(steps, perSlice);
			plant.fastForward(now);
			steps -= now;
			await this.#pause(0);
		}
	}

	async #catchUp(plant: SimulatedPlant): Promise<void> {
		const { world, commit, report } = this.context;
		const from = plant.time;
		const perSlice = Math.max(1, Math.floor(SLICE / this.settings.machines));
		let reported = 0;
		while (!this.#stopped && plant.time + STEP_MS <= world.now()) {
			for (let i = 0; i < perSlice && plant.time + STEP_MS <= world.now(); i++) {
				const receivedAt = world.now();
				for (const { topic, payload } of plant.step()) this.context.intake.takeObject(topic, payload, receivedAt);
			}
			if (commit.pendingReadings > MAX_READINGS_WAITING) await commit.flush();
			else await this.#pause(0);
			const now = world.now();
			if (now - reported > 300 && now - from > 120_000) {
				reported = now;
				const percent = Math.min(99, Math.floor((100 * (plant.time - from)) / (now - from)));
				report({ state: 'connecting', detail: `Simulating the history up to now: ${percent} %`, lastMessageAt: now });
			}
		}
	}

	async #goLive(plant: SimulatedPlant): Promise<void> {
		const { world, store, intake, report } = this.context;
		let truthAt = 0;
		const settledAt = world.now() + SETTLED_AFTER_MS;
		let sealed = false;
		while (!this.#stopped) {
			const now = world.now();
			if (now - plant.time > 60 * STEP_MS) await this.#catchUp(plant);
			let stepped = false;
			while (plant.time + STEP_MS <= now && !this.#stopped) {
				for (const { topic, payload } of plant.step())
					intake.take({
						topic,
						payload: this.#encoder.encode(JSON.stringify(payload)),
						retain: false,
						receivedAt: now
					});
				stepped = true;
			}
			if (stepped) report({ state: 'connected', lastMessageAt: now });
			if (now - truthAt >= GROUND_TRUTH_EVERY_MS) {
				truthAt = now;
				await store.settings.set(GROUND_TRUTH_KEY, plant.groundTruth()).catch(() => undefined);
			}
			if (now >= settledAt && !sealed) {
				sealed = true;
				void store.series.seal?.({ all: true }).catch(() => undefined);
			}
			const later = now >= settledAt ? plant.laterWaveform() : undefined;
			if (later) intake.takeObject(later.topic, later.payload, now);
			const untilStep = Math.max(5, plant.time + STEP_MS - world.now());
			if (!this.#stopped) await this.#pause(later ? Math.min(WAVEFORM_PAUSE_MS, untilStep) : untilStep);
		}
	}

	#pause(ms: number): Promise<void> {
		return new Promise((resolve) => {
			this.#wake = resolve;
			this.#timer = setTimeout(resolve, ms);
		});
	}
}
