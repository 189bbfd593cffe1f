/**
 * Training worker: failure classifiers. In: labelled rows, a fleet's days or the plant's own; stored models. Out: progress, a stored model with its
 * look back, and what a model says of rows or of other machines.
 */
import {
	MillwrightError,
	rowsRead,
	type EpochMs,
	type FailureModelPackage,
	type FailureModelVersion,
	type FleetDays,
	type MachineId,
	type PlantHistory,
	type RiskEvaluation,
	type RiskPrediction,
	type RiskRequest,
	type RiskSource,
	type RiskTable,
	type RiskTrainingProgress,
	type RiskTrainingRequest
} from '../../contracts';
import { alignDays, alignTable, dayFeatures, FailureClassifier, lastRows, rowFeatures } from '../../prognostics';
import { crossValidateRisk, riskRowsOfFleet, riskRowsOfTable, trainRisk } from '../../training';
import { asJob, type JobContext } from './job';
import { KeptJob, type KeptRequest } from './kept-job';
import { plantDaysOf, plantHistoryOf } from './plant-days';

type RowSource = Exclude<RiskSource, { readonly kind: 'plant' }>;

/** Rows of a file that are explained: the likeliest to fail. */
const mostExplained = 300;

export class RiskJobs {
	constructor(private readonly context: JobContext) {}

	evaluate(
		jobId: string,
		request: RiskRequest,
		onFold: (done: number, folds: number) => void
	): Promise<RiskEvaluation> {
		return asJob(this.context, jobId, (signal) =>
			crossValidateRisk(() => this.context.engine(), request, { signal, onFold })
		);
	}

	/** `given` undefined: goes on with the job as it is stored. */
	train(
		jobId: string,
		given: RiskTrainingRequest | undefined,
		onProgress: (progress: RiskTrainingProgress) => void
	): Promise<FailureModelVersion> {
		return asJob(this.context, jobId, async (signal) => {
			const { trainings, riskModels } = this.context.store();
			const kept = new KeptJob<'failure-classifier', RowSource>(jobId, 'failure-classifier', 'rows', trainings);
			const tell = (progress: RiskTrainingProgress) =>
				onProgress(kept.lost ? { ...progress, notKept: true } : progress);
			tell({ phase: 'loading', target: '', fraction: 0, secondsLeft: undefined });
			try {
				const { request, data, startedAt, spentSeconds } = await kept.takeUp(given && (await this.keepable(given)));
				const rows = data.kind === 'rows' ? riskRowsOfTable(data.table, data.pairs) : riskRowsOfFleet(data.fleet);
				signal.throwIfAborted();
				const { title, description, costs, seed, lstm } = request;
				const { pkg, lookBack } = await trainRisk(rows, {
					id: `risk-${new Date(startedAt).toISOString().replace(/[-:]/g, '').slice(0, 15)}-${jobId.slice(-4)}`,
					title,
					description,
					createdAt: startedAt,
					costs,
					seed,
					lstm,
					pieces: kept.pieces,
					spentSeconds,
					engine: () => this.context.engine(),
					now: () => performance.now(),
					signal,
					onProgress: (progress) => {
						kept.noteStage(`${progress.phase} ${progress.target}`);
						tell(progress);
					}
				});
				signal.throwIfAborted();
				tell({ phase: 'saving', target: '', fraction: 1, secondsLeft: undefined });
				await kept.beginSaving();
				await riskModels.save(pkg, lookBack);
				await kept.remove();
				return pkg.version;
			} catch (error) {
				await kept.giveUp(error, signal);
				throw error;
			}
		});
	}

	/** A plant goes on recording: its days are kept as they are now, so that a training taken up again learns from the same. */
	private async keepable({
		source,
		...request
	}: RiskTrainingRequest): Promise<KeptRequest<'failure-classifier', RowSource>> {
		if (source.kind !== 'plant') return { request, data: source };
		const fleet = await plantDaysOf(this.context.store(), source.machineIds, Date.now());
		return { request: { ...request, plant: source.machineIds }, data: { kind: 'days', fleet } };
	}

	/** Rows are told one by one, machines at the end of their last day. */
	async predict(
		modelId: string,
		data: { readonly table: RiskTable } | { readonly fleet: FleetDays }
	): Promise<RiskPrediction[]> {
		const pkg = await this.context.store().riskModels.load(modelId);
		const spec = pkg.version.features;
		const classifier = new FailureClassifier(pkg);
		if (spec.kind === 'rows') {
			if (!('table' in data)) throw new MillwrightError('invalid-input', 'This model reads a table of rows');
			const { ids } = data.table;
			return classifier.predict(rowFeatures(spec, alignTable(spec, data.table), ids.length), ids, mostExplained);
		}
		if (!('fleet' in data)) throw new MillwrightError('invalid-input', "This model reads a fleet's days");
		const last = data.fleet.machines.flatMap(({ days }) => [...lastDays(pkg, days)]);
		return classifier.predict(
			Float64Array.from(last),
			data.fleet.machines.map(({ id }) => id),
			mostExplained
		);
	}

	plantHistory(machineIds: readonly MachineId[], now: EpochMs): Promise<PlantHistory> {
		return plantHistoryOf(this.context.store(), machineIds, now);
	}
}

/** Features of a machine's last days, as many as the model reads. */
function lastDays({ version }: FailureModelPackage, days: FleetDays['machines'][number]['days']): Float64Array {
	const spec = version.features;
	if (spec.kind !== 'days') throw new MillwrightError('internal', 'A model of rows was asked of days');
	const features = dayFeatures(alignDays(spec, days));
	return lastRows(features, version.featureNames.length, rowsRead(version));
}
