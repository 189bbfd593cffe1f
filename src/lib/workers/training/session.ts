/**
 * Training worker: jobs on stored history.
 *
 * In: requests from the page. Out: proposals, progress, and a version that is saved and put in use. Cancelling or failing
 * leaves the version in use as it was.
 */
import {
	MillwrightError,
	derivedSeries,
	isAborted,
	sensorIdOf,
	type EpochMs,
	type MachineId,
	type MachineRecord,
	type ModelVersion,
	type SensorRecord,
	type TrainingProgress,
	type TrainingProposal,
	type TrainingRequest,
	type WorkspaceName
} from '../../contracts';
import { alignColumns, learnStep, medianOf, type AlignedRow } from '../../manipulation';
import type { Engine } from '../../neural';
import { startRememberedEngine } from '../remembered-engine';
import { openStore } from '../../storage';
import type { Store } from '../../storage/store';
import { minimumTrainingRows, proposeSpan, trainPredictor } from '../../training';
import type { TrainingApi } from '../training.api';

/** Rows looked through for a proposal, newest first. */
const proposalRows = 14_400;
/** More rows than this are not read into one training. */
const mostRows = 100_000;

export class TrainingSession implements TrainingApi {
	private store: Store | undefined;
	private engine: Promise<Engine> | undefined;
	private readonly jobs = new Map<string, AbortController>();

	async start(workspace: WorkspaceName): Promise<void> {
		if (this.store?.workspace === workspace) return;
		this.store?.close();
		this.store = await openStore(workspace);
	}

	async propose(machineId: MachineId): Promise<TrainingProposal> {
		const store = this.opened();
		const { machine, sensors } = await this.describe(machineId);
		const sensorNames = sensors.map(({ name }) => name);
		const extent = await store.series.extent(machineId);
		if (!extent || sensors.length === 0)
			return {
				machineId,
				sensorNames,
				from: 0,
				to: 0,
				rows: 0,
				reason: 'Nothing is stored of this machine yet',
				minimumRows: minimumTrainingRows,
				enough: false
			};
		const stepMs = await this.stepOf(sensors, extent.to);
		const from = Math.max(extent.from, extent.to - proposalRows * stepMs);
		const rows = await this.readRows(machineId, sensorNames, stepMs, from, extent.to);
		const [scores] = await store.series.query({
			sensorIds: [sensorIdOf(machineId, derivedSeries.score)],
			from,
			to: extent.to
		});
		const span = proposeSpan(rows, stepMs, scores, machine.origin);
		return { machineId, sensorNames, minimumRows: minimumTrainingRows, ...span };
	}

	async train(
		jobId: string,
		request: TrainingRequest,
		onProgress: (progress: TrainingProgress) => void
	): Promise<ModelVersion> {
		const store = this.opened();
		if (this.jobs.has(jobId)) throw new MillwrightError('invalid-input', `Job ${jobId} is running already`);
		const abort = new AbortController();
		this.jobs.set(jobId, abort);
		const stage = (phase: TrainingProgress['phase'], fraction: number) =>
			onProgress({
				phase,
				epoch: 0,
				maxEpochs: request.maxEpochs,
				fraction,
				secondsLeft: undefined,
				windowsPerSecond: undefined,
				backend: undefined,
				lossCurve: []
			});
		try {
			stage('loading', 0);
			const { sensors } = await this.describe(request.machineId);
			const chosen = request.sensorNames.map((name) => sensors.find((sensor) => sensor.name === name));
			const unknown = request.sensorNames.filter((_, i) => chosen[i] === undefined);
			if (unknown.length > 0 || chosen.length === 0)
				throw new MillwrightError(
					'invalid-input',
					chosen.length === 0
						? 'Choose at least one sensor'
						: `${request.machineId} has no sensor ${unknown.join(', ')}`
				);
			if (!(request.to > request.from)) throw new MillwrightError('invalid-input', 'The span to train on is empty');
			const stepMs = await this.stepOf(chosen as SensorRecord[], request.to);
			if ((request.to - request.from) / stepMs > mostRows)
				throw new MillwrightError('invalid-input', `This span has more than ${mostRows} rows: choose a shorter one`);
			const rows = await this.readRows(request.machineId, request.sensorNames, stepMs, request.from, request.to);
			abort.signal.throwIfAborted();
			this.engine ??= startRememberedEngine('training', this.opened());
			this.engine.catch(() => (this.engine = undefined));
			const engine = await this.engine;
			abort.signal.throwIfAborted();
			const createdAt = Date.now();
			const pkg = await trainPredictor(
				engine,
				{
					sensorNames: request.sensorNames,
					kinds: chosen.map((sensor) => sensor!.kind),
					stepMs,
					recordings: [rows]
				},
				{
					id: `${request.machineId.split('/').pop()}-${new Date(createdAt).toISOString().replace(/[-:]/g, '').slice(0, 15)}-${jobId.slice(-4)}`,
					target: { machineId: request.machineId },
					origin: 'trained-here',
					createdAt,
					description: `${rows.length} rows of ${request.machineId}, one per ${stepMs / 1000} s`,
					seed: request.seed,
					maxEpochs: request.maxEpochs,
					signal: abort.signal,
					onProgress
				}
			);
			stage('saving', 0.98);
			abort.signal.throwIfAborted();
			await store.models.save(pkg);
			// Cancelled while saving: the version is there, but not in use.
			abort.signal.throwIfAborted();
			await store.models.assign(request.machineId, pkg.version.id);
			return pkg.version;
		} catch (error) {
			if (abort.signal.aborted || isAborted(error)) throw new MillwrightError('aborted', 'Training was cancelled');
			throw error;
		} finally {
			this.jobs.delete(jobId);
		}
	}

	async cancel(jobId: string): Promise<void> {
		this.jobs.get(jobId)?.abort();
	}

	private opened(): Store {
		if (!this.store) throw new MillwrightError('invalid-input', 'The training worker has not been started');
		return this.store;
	}

	private async describe(machineId: MachineId): Promise<{ machine: MachineRecord; sensors: SensorRecord[] }> {
		const store = this.opened();
		const machine = (await store.registry.machines()).find(({ id }) => id === machineId);
		if (!machine) throw new MillwrightError('not-found', `There is no machine ${machineId}`);
		const sensors = (await store.registry.sensors(machineId)).filter(
			({ name, kind }) => !name.startsWith('~') && kind !== 'state'
		);
		return { machine, sensors };
	}

	/** The machine's own clock, from the newest samples of its sensors before `to`. */
	private async stepOf(sensors: readonly SensorRecord[], to: EpochMs): Promise<number> {
		// Widen the look back until there are enough samples to tell.
		for (const lookBackMs of [120_000, 1_800_000, 12 * 3_600_000, 30 * 24 * 3_600_000]) {
			const slices = await this.opened().series.query({
				sensorIds: sensors.map(({ id }) => id),
				from: to - lookBackMs,
				to
			});
			const steps = slices.flatMap(({ times }) => (times.length >= 20 ? [learnStep(times) ?? []] : [])).flat();
			if (steps.length > 0) return medianOf(steps);
		}
		throw new MillwrightError('not-enough-data', 'Fewer than 20 samples of each sensor are stored', {
			minimumRows: minimumTrainingRows
		});
	}

	private async readRows(
		machineId: MachineId,
		sensorNames: readonly string[],
		stepMs: number,
		from: EpochMs,
		to: EpochMs
	): Promise<AlignedRow[]> {
		const slices = await this.opened().series.query({
			sensorIds: sensorNames.map((name) => sensorIdOf(machineId, name)),
			from,
			to
		});
		const bySensor = new Map(slices.map((slice) => [slice.sensorId, slice]));
		return alignColumns(
			{ sensorNames, stepMs },
			sensorNames.map((name) => bySensor.get(sensorIdOf(machineId, name)))
		);
	}
}
