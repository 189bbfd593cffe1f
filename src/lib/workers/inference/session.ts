/**
 * Inference: one tab's part in scoring a workspace. Only the holder of the Web Lock scores; the others wait to take over.
 *
 * In: `start` and `stop`. Out: nothing but what the service does. A tab that asks for an announcement reaches the holder
 * through a channel of its own.
 */
import {
	MillwrightError,
	isAborted,
	liveChannelName,
	lockName,
	toPlainError,
	type AnomalyExplanation,
	type EpochMs,
	type ExpectedBands,
	type LiveMessage,
	type MachineId,
	type WorkspaceName
} from '../../contracts';
import type { Engine } from '../../neural';
import { startRememberedEngine } from '../remembered-engine';
import { openStore } from '../../storage';
import type { Store } from '../../storage/store';
import type { InferenceApi } from '../inference.api';
import { Explainer } from './explainer';
import { ModelSource, baseAddress } from '../model-source';
import { ScoringService } from './scoring-service';

type Errand = { readonly kind: 'announce' } | { readonly kind: 'reload'; readonly machineId: MachineId };

export class InferenceSession implements InferenceApi {
	private ending: AbortController | undefined;
	private ended: Promise<unknown> = Promise.resolve();
	private errands: BroadcastChannel | undefined;
	private service: ScoringService | undefined;
	private workspace: WorkspaceName | undefined;
	private answering: Promise<{ store: Store; explainer: Explainer }> | undefined;

	constructor(private readonly scriptAddress: string) {}

	async start(workspace: WorkspaceName): Promise<void> {
		await this.stop();
		this.workspace = workspace;
		const ending = new AbortController();
		this.ending = ending;
		this.errands = new BroadcastChannel(`millwright:inference:${workspace}`);
		this.errands.onmessage = (event: MessageEvent<Errand>) => void this.run(event.data);
		this.ended = navigator.locks
			.request(lockName('inference', workspace), { signal: ending.signal }, () => this.own(workspace, ending.signal))
			.catch((error: unknown) => {
				if (!isAborted(error)) throw error;
			});
		this.ended.catch(() => undefined);
	}

	async stop(): Promise<void> {
		this.ending?.abort();
		this.ending = undefined;
		this.errands?.close();
		this.errands = undefined;
		await this.ended.catch(() => undefined);
		const answering = this.answering;
		this.answering = undefined;
		this.workspace = undefined;
		(await answering?.catch(() => undefined))?.store.close();
	}

	async announce(): Promise<void> {
		await this.send({ kind: 'announce' });
	}

	async reloadModel(machineId: MachineId): Promise<void> {
		await this.send({ kind: 'reload', machineId });
	}

	async explain(machineId: MachineId, start: EpochMs, end: EpochMs): Promise<AnomalyExplanation | undefined> {
		return (await this.explainer()).explain(machineId, start, end);
	}

	async expected(machineId: MachineId, from: EpochMs, to: EpochMs): Promise<ExpectedBands | undefined> {
		return (await this.explainer()).expected(machineId, from, to);
	}

	/** Every tab's worker answers for itself, with a store of its own. */
	private async explainer(): Promise<Explainer> {
		const { workspace } = this;
		if (!workspace) throw new MillwrightError('invalid-input', 'The inference worker has not been started');
		this.answering ??= openStore(workspace).then((store) => ({
			store,
			explainer: new Explainer(store, new ModelSource(store.models, baseAddress(this.scriptAddress)))
		}));
		this.answering.catch(() => (this.answering = undefined));
		return (await this.answering).explainer;
	}

	/** Here, if this tab scores; else to the one that does. */
	private async send(errand: Errand): Promise<void> {
		if (this.service) await this.run(errand);
		else this.errands?.postMessage(errand);
	}

	private async run(errand: Errand): Promise<void> {
		if (errand.kind === 'announce') this.service?.announce();
		else await this.service?.reload(errand.machineId);
	}

	/** Scores until told to stop. A failure to begin is shown and tried again. */
	private async own(workspace: WorkspaceName, signal: AbortSignal): Promise<void> {
		const channel = new BroadcastChannel(liveChannelName(workspace));
		const post = (message: LiveMessage) => channel.postMessage(message);
		try {
			while (!signal.aborted) {
				try {
					await this.score(workspace, signal, channel, post);
				} catch (error) {
					const problem = `Scoring could not start: ${toPlainError(error).message}`;
					post({
						kind: 'inference',
						status: {
							backend: undefined,
							machinesScored: 0,
							machinesWithoutModel: 0,
							p50Ms: Number.NaN,
							p95Ms: Number.NaN,
							problem
						}
					});
					await aborted(signal, 10_000);
				}
			}
		} finally {
			channel.close();
		}
	}

	private async score(
		workspace: WorkspaceName,
		signal: AbortSignal,
		channel: BroadcastChannel,
		post: (message: LiveMessage) => void
	): Promise<void> {
		const store = await openStore(workspace);
		let engine: Engine | undefined;
		try {
			engine = await startRememberedEngine('scoring', store);
			const service = new ScoringService({
				store,
				engine,
				models: new ModelSource(store.models, baseAddress(this.scriptAddress)),
				now: () => Date.now(),
				post
			});
			channel.onmessage = (event: MessageEvent<LiveMessage>) => service.hear(event.data);
			await service.start();
			this.service = service;
			service.announce();
			await aborted(signal);
			channel.onmessage = null;
			this.service = undefined;
			await service.stop();
		} finally {
			this.service = undefined;
			await engine?.dispose();
			store.close();
		}
	}
}

/** Resolves when the signal fires, or after `ms`. */
function aborted(signal: AbortSignal, ms?: number): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) return resolve();
		const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
		signal.addEventListener(
			'abort',
			() => {
				clearTimeout(timer);
				resolve();
			},
			{ once: true }
		);
	});
}
