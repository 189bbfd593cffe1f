/**
 * Training worker: remaining-life models. In: histories of units that ran to failure. Out: progress, a stored model with its
 * backtest, and estimates of other units by a stored model.
 */
import {
	MillwrightError,
	fewestLifeRows,
	sensorsReadBy,
	type RulBacktest,
	type RulModelPackage,
	type RulModelVersion,
	type RulTrainingProgress,
	type RulTrainingRequest,
	type UnitEstimate,
	type UnitHistories
} from '../../contracts';
import { RulEnsemble } from '../../prognostics';
import { keepBack, rulPlan, searchRul, sha256Hex, trainRul, type RulPlan } from '../../training';
import { KeptJob } from './kept-job';
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
			const kept = new KeptJob<'remaining-life', UnitHistories>(jobId, 'remaining-life', 'histories', trainings);
			try {
				const { histories: all, ...asked } = given ?? {};
				const { request, data, startedAt, spentSeconds } = await kept.takeUp(
					all && { request: asked as Omit<RulTrainingRequest, 'histories'>, data: all }
				);
				const engine = await this.context.engine();
				signal.throwIfAborted();
				const { title, description, seed, searchMinutes = 0 } = request;
				const { known, heldOut } =
					searchMinutes > 0 ? keepBack(data.units, seed) : { known: data.units, heldOut: undefined };
				const histories = { ...data, units: known };
				const { network, ...change } = request.plan ?? {};
				let plan: Partial<RulPlan> = { ...change, network: { ...rulPlan.network, ...network } };
				let trials: number | undefined;
				const tell = (progress: RulTrainingProgress) =>
					onProgress(kept.lost ? { ...progress, notKept: true } : progress);
				const shared = { title, seed, checkpoints: kept.pieces, signal };
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
						kept.noteStage(progress.member);
						tell({
							...progress,
							...(trials !== undefined && { trials }),
							fraction: before + progress.fraction * (1 - before)
						});
					}
				});
				signal.throwIfAborted();
				await kept.beginSaving();
				await rulModels.save(pkg, backtest);
				await kept.remove();
				return { version: pkg.version, backtest };
			} catch (error) {
				await kept.giveUp(error, signal);
				throw error;
			}
		});
	}

	/** Stores a model that came with the app. @throws MillwrightError `invalid-model` when its weights are not the ones it names */
	async keep(pkg: RulModelPackage, backtest: RulBacktest | undefined): Promise<void> {
		const found = await sha256Hex(pkg.weights);
		if (found !== pkg.version.weightsSha256)
			throw new MillwrightError('invalid-model', `The weights of ${pkg.version.title} are damaged (checksum differs)`, {
				expected: pkg.version.weightsSha256,
				found
			});
		await this.context.store().rulModels.save(pkg, backtest);
	}

	/**
	 * Remaining life of each unit at its last row, and the probability that it fails within each of `horizons` steps. Columns are told by
	 * name; what the model does not read may be lacking.
	 */
	async estimate(modelId: string, histories: UnitHistories, horizons: readonly number[] = []): Promise<UnitEstimate[]> {
		const pkg = await this.context.store().rulModels.load(modelId);
		const { version } = pkg;
		const known = new Set([...histories.sensorNames, ...histories.settingNames]);
		const lacking = sensorsReadBy(version).filter((name) => !known.has(name));
		if (lacking.length > 0)
			throw new MillwrightError(
				'invalid-input',
				`${version.title} reads columns that are not there: ${lacking.join(', ')}`,
				{ expected: sensorsReadBy(version), found: [...known] }
			);
		const ensemble = new RulEnsemble(await this.context.engine(), pkg);
		try {
			const told: UnitEstimate[] = [];
			for (const unit of histories.units) {
				const { unitId, steps } = unit;
				const whole = {
					...unit,
					sensors: columnsInOrder(unit.sensors, steps, histories.sensorNames, version.sensorNames),
					settings: columnsInOrder(unit.settings, steps, histories.settingNames, version.settingNames)
				};
				const [estimate] = steps < fewestLifeRows ? [] : await ensemble.estimate(whole, [steps - 1]);
				const within = estimate ? horizons.map((span) => ensemble.failureProbability(estimate.median, span)) : [];
				told.push({ unitId, steps, estimate, within });
			}
			return told;
		} finally {
			ensemble.dispose();
		}
	}
}

/** [steps, found] -> [steps, wanted], NaN where a column is lacking. */
function columnsInOrder(
	values: Float32Array,
	steps: number,
	found: readonly string[],
	wanted: readonly string[]
): Float32Array {
	const from = wanted.map((name) => found.indexOf(name));
	const ordered = new Float32Array(steps * wanted.length).fill(NaN);
	for (let t = 0; t < steps; t++)
		from.forEach((at, k) => {
			if (at >= 0) ordered[t * wanted.length + k] = values[t * found.length + at]!;
		});
	return ordered;
}
