/**
 * Training worker: remaining-life models. In: histories of units that ran to failure. Out: progress, a stored model with its
 * backtest, and estimates of other units by a stored model. Beside it, how well failures can be told from labelled rows.
 */
import {
	MillwrightError,
	isAborted,
	type RiskEvaluation,
	type RiskRequest,
	type RulBacktestRow,
	type RulEstimate,
	type RulModelVersion,
	type RulTrainingProgress,
	type RulTrainingRequest,
	type UnitHistories
} from '../../contracts';
import type { Engine } from '../../neural';
import { RulEnsemble } from '../../prognostics';
import type { Store } from '../../storage/store';
import { crossValidateRisk, trainRul } from '../../training';

export interface RulJobContext {
	store(): Store;
	engine(): Promise<Engine>;
	/** Jobs that can be cancelled, by id; shared with the worker's other jobs. */
	readonly jobs: Map<string, AbortController>;
}

export class RulJobs {
	constructor(private readonly context: RulJobContext) {}

	async train(
		jobId: string,
		request: RulTrainingRequest,
		onProgress: (progress: RulTrainingProgress) => void
	): Promise<{ readonly version: RulModelVersion; readonly backtest: readonly RulBacktestRow[] }> {
		return this.asJob(jobId, async (signal) => {
			const engine = await this.context.engine();
			signal.throwIfAborted();
			const createdAt = Date.now();
			const { pkg, backtest } = await trainRul(engine, request.histories, {
				id: `rul-${new Date(createdAt).toISOString().replace(/[-:]/g, '').slice(0, 15)}-${jobId.slice(-4)}`,
				title: request.title,
				origin: 'trained-here',
				createdAt,
				description: request.description,
				seed: request.seed,
				plan: request.plan,
				signal,
				onProgress
			});
			signal.throwIfAborted();
			await this.context.store().rulModels.save(pkg);
			return { version: pkg.version, backtest };
		});
	}

	evaluateRisk(
		jobId: string,
		request: RiskRequest,
		onFold: (done: number, folds: number) => void
	): Promise<RiskEvaluation> {
		return this.asJob(jobId, async (signal) =>
			crossValidateRisk(await this.context.engine(), request, { signal, onFold })
		);
	}

	/** Runs work that `cancel(jobId)` can end. */
	private async asJob<T>(jobId: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
		const { jobs } = this.context;
		if (jobs.has(jobId)) throw new MillwrightError('invalid-input', `Job ${jobId} is running already`);
		const abort = new AbortController();
		jobs.set(jobId, abort);
		try {
			return await work(abort.signal);
		} catch (error) {
			if (abort.signal.aborted || isAborted(error)) throw new MillwrightError('aborted', 'Training was cancelled');
			throw error;
		} finally {
			jobs.delete(jobId);
		}
	}

	/** Remaining life of each unit at its last row. Sensors and settings must be those the model was trained on, by name and order. */
	async estimate(modelId: string, histories: UnitHistories): Promise<RulEstimate[]> {
		const pkg = await this.context.store().rulModels.load(modelId);
		const { sensorNames, settingNames } = pkg.version;
		for (const [wanted, found, what] of [
			[sensorNames, histories.sensorNames, 'sensors'],
			[settingNames, histories.settingNames, 'settings']
		] as const)
			if (wanted.join('\n') !== found.join('\n'))
				throw new MillwrightError(
					'invalid-input',
					`${pkg.version.title} was trained on other ${what}: expected ${wanted.join(', ')}; found ${found.join(', ')}`,
					{ expected: wanted, found }
				);
		const ensemble = new RulEnsemble(await this.context.engine(), pkg);
		try {
			const estimates: RulEstimate[] = [];
			for (const unit of histories.units) estimates.push(...(await ensemble.estimate(unit, [unit.steps - 1])));
			return estimates;
		} finally {
			ensemble.dispose();
		}
	}
}
