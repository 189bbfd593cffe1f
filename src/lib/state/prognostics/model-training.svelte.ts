/**
 * State: one training of a model that outlives its page: begun, followed, cancelled, taken up again after a reload or a crash by one tab. What is
 * trained, and from what, is a subclass's.
 *
 * In: a request, and what of it is kept beside the job (`Kept`). Out: how far it is, the stored version or what went wrong.
 */
import type { ModelTrainingKind, PlainError, UnfinishedModelTraining } from '$lib/contracts';
import { alone, trainingLock } from '../app/alone';
import { cancelTraining } from '../app/cancel-training';
import type { Store } from '../app/session.svelte';
import { runToEnd, takeUpKept } from './kept-training';

export abstract class ModelTraining<
	Kind extends ModelTrainingKind,
	Kept extends UnfinishedModelTraining<Kind>['request'],
	Request,
	Progress extends { readonly phase: string },
	Version
> {
	/** Where the training stands; `none` before one, after a cancel and after a failure. */
	stage = $state<'none' | 'training' | 'cancelling' | 'done'>('none');
	progress = $state.raw<Progress | undefined>();
	version = $state.raw<Version | undefined>();
	problem = $state.raw<PlainError | undefined>();
	cancelled = $state(false);
	/** What is being trained, or was, from the first step of the training on. */
	training = $state.raw<Kept | undefined>();
	/** Why the training had to be taken up again, the last time that it was. */
	interruption = $state<'reload' | 'crash' | undefined>();
	readonly busy = $derived(this.stage === 'training' || this.stage === 'cancelling');
	#jobId = '';

	protected constructor(private readonly kind: Kind) {}

	/** In the training worker; `given` undefined: as it is stored. */
	protected abstract run(
		jobId: string,
		given: Request | undefined,
		onProgress: (progress: Progress) => void
	): Promise<Version>;

	/** Changes with each piece that is learnt. */
	protected abstract pieceOf(progress: Progress): string;

	/** Everything as before a choice. Does nothing while a training runs. */
	abstract reset(): void;

	/** Takes up what was left unfinished in this workspace; returns how to stop looking, when the workspace is left. */
	follow(store: Store): () => void {
		const stop = takeUpKept(store, this.kind, async ({ jobId, request }) => {
			// What a person does here is not taken from them.
			if (this.busy) return;
			this.reset();
			this.#begin(jobId, request as Kept);
			this.interruption = 'reload';
			await this.#drive(jobId, undefined);
		});
		return () => {
			stop();
			this.#jobId = '';
			this.stage = 'none';
			this.reset();
		};
	}

	protected async start(kept: Kept, request: Request): Promise<void> {
		const jobId = crypto.randomUUID();
		this.#begin(jobId, kept);
		await alone(trainingLock(jobId), undefined, () => this.#drive(jobId, request));
	}

	#begin(jobId: string, kept: Kept): void {
		this.forget();
		this.#jobId = jobId;
		this.training = kept;
		this.stage = 'training';
	}

	async cancel(): Promise<void> {
		if (this.stage !== 'training') return;
		const jobId = this.#jobId;
		this.stage = 'cancelling';
		const outcome = await cancelTraining(jobId, this.progress?.phase);
		// It may have ended otherwise meanwhile.
		if (this.#jobId !== jobId || this.stage !== 'cancelling') return;
		if (outcome === 'saving') this.stage = 'training';
		else this.#endCancelled();
	}

	async #drive(jobId: string, given: Request | undefined): Promise<void> {
		const end = await runToEnd(
			{
				jobId,
				kind: this.kind,
				run: (resume, onProgress: (progress: Progress) => void) =>
					this.run(jobId, resume ? undefined : given, onProgress),
				stageOf: (progress) => this.pieceOf(progress),
				isCurrent: () => this.#jobId === jobId,
				isRunning: () => this.stage === 'training',
				onProgress: (progress) => (this.progress = progress),
				onCrash: () => {
					this.interruption = 'crash';
					this.progress = undefined;
				}
			},
			given === undefined
		);
		if (end.kind === 'left') return;
		if (end.kind === 'done') {
			this.version = end.version;
			this.stage = 'done';
			return;
		}
		if (end.kind === 'cancelled') return this.#endCancelled();
		this.problem = end.problem;
		this.stage = 'none';
	}

	#endCancelled(): void {
		this.#jobId = '';
		this.cancelled = true;
		this.stage = 'none';
	}

	/** Nothing of a training before is left. */
	protected forget(): void {
		this.stage = 'none';
		this.progress = undefined;
		this.version = undefined;
		this.problem = undefined;
		this.cancelled = false;
		this.training = undefined;
		this.interruption = undefined;
	}
}
