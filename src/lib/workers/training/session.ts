/**
 * Training worker: jobs on stored history.
 *
 * In: requests from the page. Out: proposals, progress, and a version that is saved and put in use. Cancelling or failing
 * leaves the version in use as it was. A job is stored until it ends, with a checkpoint after each epoch: asked for again after a
 * reload or a crash, it goes on from there.
 */
import {
	MillwrightError,
	derivedSeries,
	enginePurposes,
	falseAlarmTargetKey,
	falseAlarmsPerWeek,
	isAborted,
	sensorIdOf,
	toPlainError,
	type EpochMs,
	type ErrorCode,
	type FalseAlarmTarget,
	type MachineId,
	type ModelFileSummary,
	type ModelImportRequest,
	type ModelPackage,
	type ModelVersion,
	type PickedFile,
	type TrainingProgress,
	type TrainingProposal,
	type TrainingRequest,
	type WorkspaceName
} from '../../contracts';
import type { Engine, FitCheckpoint } from '../../neural';
import { measureAgain, startRememberedEngine } from '../remembered-engine';
import { openStore } from '../../storage';
import type { Store } from '../../storage/store';
import {
	minimumTrainingRows,
	proposeSpan,
	sensorsToLeaveOut,
	trainDetector,
	versionId,
	withModes
} from '../../training';
import { withTransfer } from '../expose';
import type { TrainingApi } from '../training.api';
import { MachineHistory } from '../machine-history';
import { cancelledWords } from './job';
import { importModel, packModel, summarise } from './model-files';
import { RiskJobs } from './risk-jobs';
import { RulJobs } from './rul-jobs';

/** Rows looked through for a proposal, newest first. */
const proposalRows = 14_400;
/** A job taken up so often without finishing another epoch is given up: it may be what crashes this device. */
const mostAttempts = 5;
/** After these the job stays stored: another worker may go on with it. */
const survivable: ReadonlySet<ErrorCode> = new Set(['worker-crashed', 'device-lost']);

export class TrainingSession implements TrainingApi {
	private store: Store | undefined;
	private engine: Promise<Engine> | undefined;
	private readonly jobs = new Map<string, AbortController>();
	private readonly context = {
		store: () => this.opened(),
		engine: () => this.startedEngine(),
		jobs: this.jobs
	};
	private readonly rul = new RulJobs(this.context);
	private readonly risk = new RiskJobs(this.context);
	readonly trainRul = this.rul.train.bind(this.rul);
	readonly keepRul = this.rul.keep.bind(this.rul);
	readonly estimateRul = this.rul.estimate.bind(this.rul);
	readonly evaluateRisk = this.risk.evaluate.bind(this.risk);
	readonly trainRisk = this.risk.train.bind(this.risk);
	readonly predictRisk = this.risk.predict.bind(this.risk);
	readonly plantHistory = this.risk.plantHistory.bind(this.risk);

	async start(workspace: WorkspaceName): Promise<void> {
		if (this.store?.workspace === workspace) return;
		this.store?.close();
		this.store = await openStore(workspace);
	}

	async propose(machineId: MachineId): Promise<TrainingProposal> {
		const store = this.opened();
		const history = new MachineHistory(store);
		const { machine, sensors } = await history.describe(machineId);
		const sensorNames = sensors.map(({ name }) => name);
		const extent = await store.series.extent(machineId);
		if (!extent || sensors.length === 0)
			return {
				machineId,
				sensorNames,
				leftOut: [],
				from: 0,
				to: 0,
				rows: 0,
				reason: 'Nothing is stored of this machine yet',
				minimumRows: minimumTrainingRows,
				enough: false
			};
		const stepMs = await history.stepOf(sensors, extent.to);
		const from = Math.max(extent.from, extent.to - proposalRows * stepMs);
		const rows = await history.readRows(machineId, sensorNames, stepMs, from, extent.to);
		const [scores] = await store.series.query({
			sensorIds: [sensorIdOf(machineId, derivedSeries.score)],
			from,
			to: extent.to
		});
		const span = proposeSpan(rows, stepMs, scores, machine.origin);
		const leftOut = sensorsToLeaveOut(sensorNames, rows);
		const rest = sensorNames.filter((name) => leftOut.every(({ sensorName }) => sensorName !== name));
		// A machine of nothing but counters: a person is to decide.
		const chosen = rest.length > 0 ? { sensorNames: rest, leftOut } : { sensorNames, leftOut: [] };
		return { machineId, ...chosen, minimumRows: minimumTrainingRows, ...span };
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
		let notKept = false;
		const tell = (progress: TrainingProgress) => onProgress(notKept ? { ...progress, notKept } : progress);
		const stage = (phase: TrainingProgress['phase'], fraction: number) =>
			tell({
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
			const startedAt = await this.takeUp(jobId, request).catch((error: unknown) => {
				if (!(error instanceof MillwrightError) || error.code !== 'storage-quota') throw error;
				notKept = true;
				return Date.now();
			});
			const stored = !notKept;
			const { machineId, sensorNames, from, to } = request;
			const history = new MachineHistory(store);
			const { sensors, stepMs, rows } = await history.readSpan(machineId, sensorNames, from, to);
			abort.signal.throwIfAborted();
			const engine = await this.startedEngine();
			abort.signal.throwIfAborted();
			const kinds = sensors.map(({ kind }) => kind);
			const target = await store.settings.get<FalseAlarmTarget>(falseAlarmTargetKey);
			const trained = await trainDetector(
				engine,
				{
					sensorNames,
					kinds,
					stepMs,
					recordings: [rows]
				},
				{
					id: versionId(request.machineId, startedAt, jobId.slice(-4)),
					target: { machineId: request.machineId },
					origin: 'trained-here',
					createdAt: startedAt,
					description: `${rows.length} rows of ${request.machineId}, one per ${stepMs / 1000} s`,
					seed: request.seed,
					maxEpochs: request.maxEpochs,
					falseAlarmsPerWeek: falseAlarmsPerWeek(target, machineId),
					cores: navigator.hardwareConcurrency,
					checkpoints: stored && {
						load: (fit) => store.trainings.checkpoint<FitCheckpoint>(jobId, fit),
						save: async (fit, checkpoint) => {
							await store.trainings.saveCheckpoint(jobId, fit, checkpoint);
							notKept = false;
						},
						onProblem: () => (notKept = true)
					},
					signal: abort.signal,
					onProgress: tell
				}
			);
			const pkg = withModes(trained, [rows], kinds);
			stage('saving', 0.98);
			abort.signal.throwIfAborted();
			if (stored && !(await store.trainings.beginSaving(jobId))) throw new MillwrightError('aborted', cancelledWords);
			await store.models.save(pkg);
			await store.models.assign(request.machineId, pkg.version.id);
			await store.trainings.remove(jobId);
			return pkg.version;
		} catch (error) {
			const cancelled = abort.signal.aborted || isAborted(error);
			const { code } = toPlainError(error);
			if (code === 'device-lost') this.engine = undefined;
			if (cancelled || !survivable.has(code)) await store.trainings.remove(jobId).catch(() => undefined);
			if (cancelled) throw new MillwrightError('aborted', cancelledWords);
			throw error;
		} finally {
			this.jobs.delete(jobId);
		}
	}

	/** Notes that the job has begun, or is taken up again. Returns when it began. */
	private async takeUp(jobId: string, request: TrainingRequest): Promise<EpochMs> {
		const { trainings } = this.opened();
		const known = await trainings.find(jobId);
		const attempts = (known?.attempts ?? 0) + 1;
		if (attempts > mostAttempts)
			throw new MillwrightError(
				'internal',
				`This training ended ${mostAttempts} times without finishing another epoch; it is not taken up again`
			);
		const startedAt = known?.startedAt ?? Date.now();
		await trainings.put({ jobId, request, startedAt, attempts });
		return startedAt;
	}

	async cancel(jobId: string): Promise<void> {
		this.jobs.get(jobId)?.abort();
	}

	async measureEngine(onPurpose: (done: number, of: number) => void): Promise<void> {
		if (this.jobs.size > 0)
			throw new MillwrightError('invalid-input', 'A training is running: it would slow down what is measured');
		for (const [done, purpose] of enginePurposes.entries()) {
			onPurpose(done, enginePurposes.length);
			await measureAgain(purpose, this.opened());
		}
		// The next training starts on what was measured to be faster.
		this.engine = undefined;
	}

	inspectModel(files: readonly PickedFile[]): Promise<ModelFileSummary> {
		return summarise(files);
	}

	async importModel(request: ModelImportRequest): Promise<ModelVersion> {
		const store = this.opened();
		const pkg = await importModel(await this.startedEngine(), new MachineHistory(store), request, Date.now());
		await store.models.save(pkg);
		return pkg.version;
	}

	async exportModel(pkg: ModelPackage): Promise<PickedFile> {
		const file = await packModel(pkg);
		return withTransfer(file, [file.bytes]);
	}

	private startedEngine(): Promise<Engine> {
		if (!this.engine) {
			const starting = startRememberedEngine('training', this.opened());
			this.engine = starting;
			starting.catch(() => (this.engine = undefined));
		}
		return this.engine;
	}

	private opened(): Store {
		if (!this.store) throw new MillwrightError('invalid-input', 'The training worker has not been started');
		return this.store;
	}
}
