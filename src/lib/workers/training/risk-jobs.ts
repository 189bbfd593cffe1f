/**
 * Training worker: failure classifiers. In: labelled rows, a fleet's days or the plant's own; stored models. Out: progress, a stored model with its
 * look back, and what a model says of rows or of a machine today.
 */
import {
	MillwrightError,
	onlyInFiles,
	riskAssignmentOf,
	sensorIdOf,
	sensorOfColumn,
	type EpochMs,
	type FailureModelPackage,
	type FailureModelVersion,
	type FleetDays,
	type MachineId,
	type PlantHistory,
	type RiskEvaluation,
	type RiskOfMachine,
	type RiskPrediction,
	type RiskRequest,
	type RiskTable,
	type RiskTrainingProgress,
	type RiskTrainingRequest
} from '../../contracts';
import { alignDays, alignTable, dayFeatures, FailureClassifier, lackingChannels, rowFeatures } from '../../prognostics';
import type { Store } from '../../storage/store';
import { crossValidateRisk, riskRowsOfFleet, riskRowsOfTable, trainRisk, type RiskRows } from '../../training';
import { asJob, type JobContext } from './job';
import { machineDaysOf, plantDaysOf, plantHistoryOf } from './plant-days';

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

	train(
		jobId: string,
		request: RiskTrainingRequest,
		onProgress: (progress: RiskTrainingProgress) => void
	): Promise<FailureModelVersion> {
		return asJob(this.context, jobId, async (signal) => {
			onProgress({ phase: 'loading', target: '', fraction: 0, secondsLeft: undefined });
			const createdAt = Date.now();
			const data = await this.rowsOf(request, createdAt);
			signal.throwIfAborted();
			const { title, description, costs, seed, lstm } = request;
			const { pkg, lookBack } = await trainRisk(data, {
				id: `risk-${new Date(createdAt).toISOString().replace(/[-:]/g, '').slice(0, 15)}-${jobId.slice(-4)}`,
				title,
				description,
				createdAt,
				costs,
				seed,
				lstm,
				engine: () => this.context.engine(),
				now: () => performance.now(),
				signal,
				onProgress
			});
			signal.throwIfAborted();
			onProgress({ phase: 'saving', target: '', fraction: 1, secondsLeft: undefined });
			await this.context.store().riskModels.save(pkg, lookBack);
			return pkg.version;
		});
	}

	private async rowsOf({ source }: RiskTrainingRequest, now: EpochMs): Promise<RiskRows> {
		if (source.kind === 'rows') return riskRowsOfTable(source.table, source.pairs);
		return riskRowsOfFleet(
			source.kind === 'days' ? source.fleet : await plantDaysOf(this.context.store(), source.machineIds, now)
		);
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
		const last = data.fleet.machines.flatMap(({ days }) => [...lastDay(pkg, days)]);
		return classifier.predict(
			Float64Array.from(last),
			data.fleet.machines.map(({ id }) => id),
			mostExplained
		);
	}

	async ofMachine(machineId: MachineId, now: EpochMs): Promise<RiskOfMachine | undefined> {
		const store = this.context.store();
		const machine = (await store.registry.machines()).find(({ id }) => id === machineId);
		const assignment = riskAssignmentOf(await store.riskModels.assignments(), machineId, machine?.machineClass);
		if (!assignment) return undefined;
		const pkg = await store.riskModels.load(assignment.versionId);
		const spec = pkg.version.features;
		const sensors = await store.registry.sensors(machineId);
		const names = sensors.map(({ name }) => name);
		const lacking =
			spec.kind === 'days'
				? lackingChannels(spec, names)
				: spec.inputs.map(({ name }) => sensorOfColumn(name)).filter((name) => !names.includes(name));
		const { version } = pkg;
		if (lacking.length > 0)
			return {
				version,
				time: now,
				missing: `${version.title} reads sensors that this machine has not: ${lacking.join(', ')}`
			};
		const absent = onlyInFiles(spec);
		if (absent.length > 0)
			return {
				version,
				time: now,
				missing: `${version.title} reads what no machine here records: ${absent.join(', ')}`
			};
		return spec.kind === 'days' ? daysNow(store, pkg, machineId, now) : readingsNow(store, pkg, machineId, now);
	}

	plantHistory(machineIds: readonly MachineId[], now: EpochMs): Promise<PlantHistory> {
		return plantHistoryOf(this.context.store(), machineIds, now);
	}
}

/** Features of a machine's last day. */
function lastDay({ version }: FailureModelPackage, days: FleetDays['machines'][number]['days']): Float64Array {
	const spec = version.features;
	if (spec.kind !== 'days') throw new MillwrightError('internal', 'A model of rows was asked of days');
	const features = dayFeatures(alignDays(spec, days));
	return features.subarray(features.length - version.featureNames.length);
}

async function daysNow(
	store: Store,
	pkg: FailureModelPackage,
	machineId: MachineId,
	now: EpochMs
): Promise<RiskOfMachine> {
	const { version } = pkg;
	const spec = version.features;
	if (spec.kind !== 'days') throw new MillwrightError('internal', 'A model of rows was asked of days');
	const machine = await machineDaysOf(store, machineId, spec, now);
	if (!machine) return { version, time: now, missing: 'Less than one day of readings is stored of this machine' };
	const [prediction] = new FailureClassifier(pkg).predict(lastDay(pkg, machine.days), [machineId], 1);
	return { version, time: machine.from + machine.days.days * 86_400_000, prediction: prediction! };
}

/** A model of single rows on the newest reading of each sensor. */
async function readingsNow(
	store: Store,
	pkg: FailureModelPackage,
	machineId: MachineId,
	now: EpochMs
): Promise<RiskOfMachine> {
	const { version } = pkg;
	const spec = version.features;
	if (spec.kind !== 'rows') throw new MillwrightError('internal', 'A model of days was asked of a row');
	const latest = await store.series.latest(spec.inputs.map(({ name }) => sensorIdOf(machineId, sensorOfColumn(name))));
	const found = spec.inputs.map(({ name }) => latest.get(sensorIdOf(machineId, sensorOfColumn(name))));
	if (found.every((reading) => reading === undefined))
		return { version, time: now, missing: 'No reading is stored of this machine' };
	const values = Float64Array.from(spec.inputs, ({ categories }, k) => {
		const value = found[k]?.value ?? Number.NaN;
		if (!categories) return value;
		const at = categories.indexOf(String(value));
		return at < 0 ? Number.NaN : at;
	});
	const time = Math.max(...found.map((reading) => reading?.time ?? 0));
	const [prediction] = new FailureClassifier(pkg).predict(rowFeatures(spec, values, 1), [machineId], 1);
	return { version, time, prediction: prediction! };
}
