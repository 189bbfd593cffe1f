/**
 * Training worker: remaining-life models. In: histories of units that ran to failure. Out: progress, a stored model with its
 * backtest, and estimates of other units by a stored model.
 */
import {
	MillwrightError,
	isAborted,
	toPlainError,
	type ErrorCode,
	type RulBacktest,
	type RulEstimate,
	type RulModelVersion,
	type RulTrainingProgress,
	type RulTrainingRequest,
	type UnitHistories
} from '../../contracts';
import { RulEnsemble } from '../../prognostics';
import { keepBack, rulPlan, searchRul, trainRul, type RulPlan } from '../../training';
import { KeptRulJob } from './kept-rul-job';
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

/** After these the job stays stored: another worker may go on with it. */
const survivable: ReadonlySet<ErrorCode> = new Set(['worker-crashed', 'device-lost']);

const searchWords = (trials: number | undefined) =>
	trials === undefined
		? ''
		: trials === 1
			? '; the search had time for the standard network alone'
			: `; best of ${trials} configurations by cross-validation`;

export class RulJobs {
	constructor(private readonly context: JobContext) {}

	/** `given` undefined: goes on with the job as it is stored. */
	async train(
		jobId: string,
		given: RulTrainingRequest | undefined,
		onProgress: (progress: RulTrainingProgress) => void
	): Promise<{ readonly version: RulModelVersion; readonly backtest: RulBacktest }> {
		return asJob(this.context, jobId, async (signal) => {
			const { trainings, rulModels } = this.context.store();
			const kept = new KeptRulJob(jobId, trainings);
			try {
				const { request, startedAt, spentSeconds } = await kept.takeUp(given);
				const engine = await this.context.engine();
				signal.throwIfAborted();
				const { title, description, seed, searchMinutes = 0 } = request;
				const { known, heldOut } =
					searchMinutes > 0
						? keepBack(request.histories.units, seed)
						: { known: request.histories.units, heldOut: undefined };
				const histories = { ...request.histories, units: known };
				const { network, ...change } = request.plan ?? {};
				let plan: Partial<RulPlan> = { ...change, network: { ...rulPlan.network, ...network } };
				let trials: number | undefined;
				const tell = (progress: RulTrainingProgress) =>
					onProgress(kept.lost ? { ...progress, notKept: true } : progress);
				const shared = { title, seed, checkpoints: kept.checkpoints, signal };
				if (searchMinutes > 0) {
					const searched = await searchRul(engine, histories, {
						...shared,
						searchId: jobId,
						minutes: searchMinutes,
						plan,
						done: given ? [] : await rulModels.trialsOf(jobId),
						now: () => performance.timeOrigin + performance.now(),
						onTrial: (trial) => rulModels.saveTrial(trial),
						onProgress: (fraction, done, secondsLeft) =>
							tell({
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
				const before = trials === undefined ? 0 : searchShare;
				const { pkg, backtest } = await trainRul(engine, histories, {
					...shared,
					id: `rul-${new Date(startedAt).toISOString().replace(/[-:]/g, '').slice(0, 15)}-${jobId.slice(-4)}`,
					origin: 'trained-here',
					createdAt: startedAt,
					description: description + searchWords(trials),
					plan,
					heldOut,
					spentSeconds,
					onProgress: (progress) => {
						kept.noteMember(progress.member);
						tell({
							...progress,
							...(trials !== undefined && { trials }),
							fraction: before + progress.fraction * (1 - before)
						});
					}
				});
				signal.throwIfAborted();
				await rulModels.save(pkg, backtest);
				await kept.remove();
				return { version: pkg.version, backtest };
			} catch (error) {
				const { code } = toPlainError(error);
				if (signal.aborted || isAborted(error) || !survivable.has(code)) await kept.remove().catch(() => undefined);
				throw error;
			}
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
