/**
 * Training worker: remaining-life models. In: histories of units that ran to failure. Out: progress, a stored model with its
 * backtest, and estimates of other units by a stored model.
 */
import {
	MillwrightError,
	type RulBacktest,
	type RulEstimate,
	type RulModelVersion,
	type RulTrainingProgress,
	type RulTrainingRequest,
	type UnitHistories
} from '../../contracts';
import { RulEnsemble } from '../../prognostics';
import { keepBack, rulPlan, searchRul, trainRul, type RulPlan } from '../../training';
import { asJob, type JobContext } from './job';

/** Of a job's progress bar. */
const searchShare = 0.8;
const searching = {
	phase: 'searching',
	member: 0,
	members: 0,
	epoch: 0,
	epochs: 0,
	windowsPerSecond: undefined,
	lossCurve: []
} as const;

export class RulJobs {
	constructor(private readonly context: JobContext) {}

	async train(
		jobId: string,
		request: RulTrainingRequest,
		onProgress: (progress: RulTrainingProgress) => void
	): Promise<{ readonly version: RulModelVersion; readonly backtest: RulBacktest }> {
		return asJob(this.context, jobId, async (signal) => {
			const engine = await this.context.engine();
			signal.throwIfAborted();
			const createdAt = Date.now();
			const { title, description, seed, searchMinutes = 0 } = request;
			const { known, heldOut } =
				searchMinutes > 0
					? keepBack(request.histories.units, seed)
					: { known: request.histories.units, heldOut: undefined };
			const histories = { ...request.histories, units: known };
			const { network, ...change } = request.plan ?? {};
			let plan: Partial<RulPlan> = { ...change, network: { ...rulPlan.network, ...network } };
			let trials: number | undefined;
			if (searchMinutes > 0) {
				const searched = await searchRul(engine, histories, {
					searchId: jobId,
					title,
					seed,
					minutes: searchMinutes,
					plan,
					now: () => performance.timeOrigin + performance.now(),
					signal,
					onTrial: (trial) => this.context.store().rulModels.saveTrial(trial),
					onProgress: (fraction, done, secondsLeft) =>
						onProgress({
							...searching,
							trials: done,
							fraction: fraction * searchShare,
							secondsLeft,
							backend: engine.report.backend
						})
				});
				plan = searched.plan;
				trials = searched.trials.length;
			}
			const { pkg, backtest } = await trainRul(engine, histories, {
				id: `rul-${new Date(createdAt).toISOString().replace(/[-:]/g, '').slice(0, 15)}-${jobId.slice(-4)}`,
				title,
				origin: 'trained-here',
				createdAt,
				description:
					trials === undefined
						? description
						: trials === 1
							? `${description}; the search had time for the standard network alone`
							: `${description}; best of ${trials} configurations by cross-validation`,
				seed,
				plan,
				heldOut,
				signal,
				onProgress: (progress) =>
					onProgress(
						trials === undefined
							? progress
							: { ...progress, trials, fraction: searchShare + progress.fraction * (1 - searchShare) }
					)
			});
			signal.throwIfAborted();
			await this.context.store().rulModels.save(pkg, backtest);
			return { version: pkg.version, backtest };
		});
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
