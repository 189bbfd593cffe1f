/**
 * Which workspace is open, and everything that lives and dies with it: the store, the live channel, the workers.
 *
 * In: `enter` / `leave` from the welcome screen and settings. Out: reactive phase, store, worker conditions and the
 * workers' apis. The choice is kept in localStorage, so that a reload goes straight on.
 */
import {
	MillwrightError,
	toPlainError,
	workspaceNames,
	type DemoSettings,
	type PlainError,
	type SourceSettings,
	type WorkspaceName
} from '$lib/contracts';
import { openStore, requestPersistence } from '$lib/storage';
import type { Store } from '$lib/storage/store';
import { spawnAcquisition } from '$lib/workers/acquisition.client';
import type { AcquisitionApi } from '$lib/workers/acquisition.api';
import type { Promisified } from '$lib/workers/host';
import { spawnDiagnosis } from '$lib/workers/diagnosis.client';
import type { DiagnosisApi } from '$lib/workers/diagnosis.api';
import { spawnInference } from '$lib/workers/inference.client';
import type { InferenceApi } from '$lib/workers/inference.api';
import { spawnTraining } from '$lib/workers/training.client';
import type { TrainingApi } from '$lib/workers/training.api';
import { live } from './live.svelte';
import { WorkerSupervisor, workerOff, type WorkerCondition } from './worker-supervisor';

export type { Store };

export type SessionPhase = 'choosing' | 'starting' | 'running' | 'failed';
export type WorkerName = 'acquisition' | 'inference' | 'training' | 'diagnosis';

/** The demo that starts when nothing else was asked for: all six machine classes, two hours of history. */
export const defaultDemo: DemoSettings = { machines: 12, seed: 7, scenario: 'demo', historyMinutes: 120 };

/** What could not be opened is tried again by itself, later each time: a tablet on a wall has nobody to reload it. */
const firstReopenMs = 5_000;
const longestReopenMs = 60_000;

const workspaceKey = 'millwright:workspace';
const clientKey = 'millwright:client';

class Session {
	#phase = $state<SessionPhase>('choosing');
	#workspace = $state<WorkspaceName | undefined>();
	#store = $state.raw<Store | undefined>();
	#problem = $state.raw<PlainError | undefined>();
	#workers = $state.raw<Record<WorkerName, WorkerCondition>>({
		acquisition: workerOff,
		inference: workerOff,
		training: workerOff,
		diagnosis: workerOff
	});
	/** Counts entries, so that one that was overtaken by another gives up. */
	#entry = 0;
	#reopen: ReturnType<typeof setTimeout> | undefined;
	#reopenings = 0;

	#acquisition = new WorkerSupervisor<AcquisitionApi>({
		spawn: spawnAcquisition,
		start: (api) => api.start(this.#opened(), clientName()),
		stop: (api) => api.stop(),
		onChange: (condition) => this.#note('acquisition', condition)
	});
	#inference = new WorkerSupervisor<InferenceApi>({
		spawn: spawnInference,
		start: (api) => api.start(this.#opened()),
		stop: (api) => api.stop(),
		onChange: (condition) => this.#note('inference', condition)
	});
	#training = new WorkerSupervisor<TrainingApi>({
		spawn: spawnTraining,
		start: (api) => api.start(this.#opened()),
		onChange: (condition) => this.#note('training', condition)
	});

	#diagnosis = new WorkerSupervisor<DiagnosisApi>({
		spawn: spawnDiagnosis,
		start: (api) => api.start(this.#opened()),
		onChange: (condition) => this.#note('diagnosis', condition)
	});

	/** Diagnosis is spawned by its first call, when a machine is looked at. */
	readonly diagnosis: Omit<Promisified<DiagnosisApi>, 'start'> = {
		machine: async (...asked) => (await this.#diagnosis.whenStarted()).machine(...asked),
		waveform: async (...asked) => (await this.#diagnosis.whenStarted()).waveform(...asked),
		waterfall: async (...asked) => (await this.#diagnosis.whenStarted()).waterfall(...asked),
		searchRecording: async (...asked) => (await this.#diagnosis.whenStarted()).searchRecording(...asked),
		cancelSearch: async (...asked) => (await this.#diagnosis.whenStarted()).cancelSearch(...asked),
		importCsv: async (...asked) => (await this.#diagnosis.whenStarted()).importCsv(...asked),
		learn: async () => (await this.#diagnosis.whenStarted()).learn()
	};

	/** Training is spawned by its first call: most sessions never train. */
	readonly training: Omit<Promisified<TrainingApi>, 'start'> & { end(): Promise<void> } = {
		propose: async (machineId) => (await this.#training.whenStarted()).propose(machineId),
		train: async (jobId, request, onProgress) => (await this.#training.whenStarted()).train(jobId, request, onProgress),
		cancel: async (jobId) => (await this.#training.whenStarted()).cancel(jobId),
		measureEngine: async (onPurpose) => (await this.#training.whenStarted()).measureEngine(onPurpose),
		trainRul: async (jobId, request, onProgress) =>
			(await this.#training.whenStarted()).trainRul(jobId, request, onProgress),
		keepRul: async (pkg, backtest) => (await this.#training.whenStarted()).keepRul(pkg, backtest),
		estimateRul: async (modelId, histories, horizons) =>
			(await this.#training.whenStarted()).estimateRul(modelId, histories, horizons),
		evaluateRisk: async (jobId, request, onFold) =>
			(await this.#training.whenStarted()).evaluateRisk(jobId, request, onFold),
		trainRisk: async (jobId, request, onProgress) =>
			(await this.#training.whenStarted()).trainRisk(jobId, request, onProgress),
		predictRisk: async (modelId, data) => (await this.#training.whenStarted()).predictRisk(modelId, data),
		plantHistory: async (machineIds, now) => (await this.#training.whenStarted()).plantHistory(machineIds, now),
		inspectModel: async (files) => (await this.#training.whenStarted()).inspectModel(files),
		importModel: async (request) => (await this.#training.whenStarted()).importModel(request),
		exportModel: async (pkg) => (await this.#training.whenStarted()).exportModel(pkg),
		/** Ends the worker at once, whatever it is at: what it was asked rejects with `aborted`, the next call starts another. */
		end: () => this.#training.stop()
	};

	get phase(): SessionPhase {
		return this.#phase;
	}
	get workspace(): WorkspaceName | undefined {
		return this.#workspace;
	}
	/** The open store; undefined unless the phase is `running`. */
	get store(): Store | undefined {
		return this.#store;
	}
	get problem(): PlainError | undefined {
		return this.#problem;
	}
	get workers(): Readonly<Record<WorkerName, WorkerCondition>> {
		return this.#workers;
	}
	/** Usable before a workspace is open too, for `probeBroker`. */
	get acquisition(): Promisified<AcquisitionApi> {
		return this.#acquisition.api;
	}
	get inference(): Promisified<InferenceApi> {
		return this.#inference.api;
	}

	/** The workspace that was open when the page was last left, if any. */
	get remembered(): WorkspaceName | undefined {
		const name = readKey(workspaceKey);
		return workspaceNames.find((candidate) => candidate === name);
	}

	/** Opens the remembered workspace; does nothing when none is remembered or one is open. */
	async resume(): Promise<void> {
		const workspace = this.remembered;
		if (workspace && this.#phase === 'choosing') await this.enter(workspace);
	}

	/**
	 * Opens a workspace and starts its workers; leaves the present one first. `source` replaces the stored source.
	 * Never rejects: a failure is the phase `failed` with its `problem`.
	 */
	async enter(workspace: WorkspaceName, source?: SourceSettings): Promise<void> {
		if (this.#workspace === workspace && this.#store) {
			if (source) await this.#store.settings.setSource(source);
			return;
		}
		await this.#shut();
		this.#workspace = workspace;
		this.#problem = undefined;
		this.#phase = 'starting';
		this.#reopenings = 0;
		await this.#open(workspace, source);
	}

	async #open(workspace: WorkspaceName, source: SourceSettings | undefined): Promise<void> {
		const entry = ++this.#entry;
		try {
			const store = await openStore(workspace, { onClosed: (error) => this.#lost(entry, toPlainError(error)) });
			if (entry !== this.#entry) return store.close();
			if (source) await store.settings.setSource(source);
			// A plant's own data: asked for when a person connects, as some browsers ask them.
			if (source?.kind === 'broker') void requestPersistence().catch(() => undefined);
			else if (workspace === 'demo' && (await store.settings.source()).kind === 'none')
				await store.settings.setSource({ kind: 'demo', demo: defaultDemo });
			live.open(workspace);
			this.#store = store;
			this.#problem = undefined;
			this.#phase = 'running';
			writeKey(workspaceKey, workspace);
			void this.#acquisition.start().then(() => this.#announce(this.#acquisition));
			void this.#inference.start().then(() => this.#announce(this.#inference));
		} catch (error) {
			if (entry !== this.#entry) return;
			this.#problem = toPlainError(error);
			this.#phase = 'failed';
			if (this.#problem.code !== 'storage-unavailable') return;
			const wait = Math.min(longestReopenMs, firstReopenMs * 2 ** this.#reopenings++);
			this.#reopen = setTimeout(() => void this.#open(workspace, source), wait);
		}
	}

	/** Stops the workers cleanly, closes the store and forgets the choice. */
	async leave(): Promise<void> {
		this.#entry += 1;
		writeKey(workspaceKey, undefined);
		await this.#shut();
		this.#workspace = undefined;
		this.#phase = 'choosing';
	}

	/** Deletes everything of the open workspace, then leaves it. */
	async erase(): Promise<void> {
		const store = this.#store;
		if (!store) return;
		await Promise.all([
			this.#acquisition.stop(),
			this.#inference.stop(),
			this.#training.stop(),
			this.#diagnosis.stop()
		]);
		await store.destroy();
		await this.leave();
	}

	/**
	 * Closes what is open while `work` replaces what is stored in `workspace`, then opens that workspace, whether `work` succeeded
	 * or, having changed nothing, failed; on failure the one that was open before.
	 */
	async whileClosed<T>(workspace: WorkspaceName, work: () => Promise<T>): Promise<T> {
		const before = this.#workspace;
		this.#entry += 1;
		await this.#shut();
		this.#workspace = undefined;
		this.#phase = 'starting';
		try {
			const result = await work();
			await this.enter(workspace);
			return result;
		} catch (error) {
			if (before) await this.enter(before);
			else this.#phase = 'choosing';
			throw error;
		}
	}

	/** The browser took the database away, or a newer version of the app in another tab did. */
	#lost(entry: number, problem: PlainError): void {
		if (entry !== this.#entry) return;
		void this.#shut();
		this.#problem = problem;
		this.#phase = 'failed';
	}

	async #shut(): Promise<void> {
		clearTimeout(this.#reopen);
		const store = this.#store;
		this.#store = undefined;
		live.close();
		await Promise.all([
			this.#acquisition.stop(),
			this.#inference.stop(),
			this.#training.stop(),
			this.#diagnosis.stop()
		]);
		store?.close();
	}

	#opened(): WorkspaceName {
		if (!this.#workspace) throw new MillwrightError('internal', 'No workspace is open');
		return this.#workspace;
	}

	/** Another tab may own the work: ask whoever does to say where it stands. */
	#announce(supervisor: { condition: WorkerCondition; api: { announce(): Promise<void> } }): void {
		if (supervisor.condition.state === 'running') supervisor.api.announce().catch(() => {});
	}

	/** Deferred: an api may be asked for while a template is being drawn, where state must not change. */
	#note(name: WorkerName, condition: WorkerCondition): void {
		queueMicrotask(() => (this.#workers = { ...this.#workers, [name]: condition }));
	}
}

/** Names this browser to brokers and in acknowledgements; random, made once. */
export function clientName(): string {
	const known = readKey(clientKey);
	if (known) return known;
	const made = `millwright-${crypto.randomUUID().slice(0, 8)}`;
	writeKey(clientKey, made);
	return made;
}

function readKey(key: string): string | null {
	try {
		return localStorage.getItem(key);
	} catch {
		return null; // Storage is refused (private mode): the choice then lasts as long as the page.
	}
}

function writeKey(key: string, value: string | undefined): void {
	try {
		if (value === undefined) localStorage.removeItem(key);
		else localStorage.setItem(key, value);
	} catch {
		// See readKey.
	}
}

export const session = new Session();
