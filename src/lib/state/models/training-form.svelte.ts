/**
 * State: what a person chooses before a training: the span, the sensors, the seed.
 *
 * In: the training worker's proposal and stored history. Out: an edited, checked `TrainingRequest`.
 */
import {
	toPlainError,
	type AnomalySpan,
	type EpochMs,
	type MachineId,
	type PlainError,
	type SensorRecord,
	type SeriesSlice,
	type TrainingProposal,
	type TrainingRequest
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { tooFewRowsWords } from './model-words';
import { trainingRuns } from './training.svelte';

/** Points of the overview chart: about one per two pixels of a tablet. */
const overviewPoints = 400;
export const defaultMaxEpochs = 40;

export class TrainingForm {
	loading = $state(true);
	problem = $state.raw<PlainError | undefined>(undefined);
	proposal = $state.raw<TrainingProposal | undefined>(undefined);
	extent = $state.raw<{ from: EpochMs; to: EpochMs; readings: number } | undefined>(undefined);
	sensors = $state.raw<readonly SensorRecord[]>([]);
	overview = $state.raw<readonly SeriesSlice[]>([]);
	anomalies = $state.raw<readonly AnomalySpan[]>([]);

	/** The machine is judged by the model shipped for its class, which a training replaces. */
	judgedByClass = $state(false);

	from = $state<EpochMs>(0);
	to = $state<EpochMs>(0);
	chosen = $state.raw<ReadonlySet<string>>(new Set());
	seed = $state(1);
	maxEpochs = $state(defaultMaxEpochs);

	/** Rows in the chosen span, from the rows that the proposed span holds. */
	readonly rows = $derived.by(() => {
		const proposal = this.proposal;
		if (!proposal || !(proposal.to > proposal.from) || !(this.to > this.from)) return 0;
		return Math.round(((this.to - this.from) / (proposal.to - proposal.from)) * proposal.rows);
	});
	readonly missingRows = $derived(this.proposal ? Math.max(0, this.proposal.minimumRows - this.rows) : 0);
	readonly anomaliesInside = $derived(
		this.anomalies.filter((span) => span.start < this.to && (span.end ?? Infinity) > this.from).length
	);
	readonly errors = $derived.by(() => {
		const errors: Partial<Record<'span' | 'sensors' | 'seed' | 'maxEpochs', string>> = {};
		if (!(this.to > this.from)) errors.span = 'The end must be after the start.';
		else if (this.missingRows > 0) errors.span = `About ${tooFewRowsWords(this.rows, this.proposal!.minimumRows)}`;
		if (this.chosen.size === 0) errors.sensors = 'Choose at least one sensor.';
		if (!Number.isInteger(this.seed)) errors.seed = 'The seed is a whole number.';
		if (!Number.isInteger(this.maxEpochs) || this.maxEpochs < 1 || this.maxEpochs > 1000)
			errors.maxEpochs = 'From 1 to 1000.';
		return errors;
	});
	readonly ready = $derived(this.proposal !== undefined && Object.keys(this.errors).length === 0);

	/** Reads what is stored and asks for a proposal; keeps what it got when one of the two fails. */
	async load(store: Store, machineId: MachineId): Promise<void> {
		this.loading = true;
		this.problem = undefined;
		try {
			const [extent, sensors, machine, assigned] = await Promise.all([
				store.series.extent(machineId),
				store.registry.sensors(machineId),
				store.registry.machine(machineId),
				store.models.assignment(machineId)
			]);
			this.judgedByClass = machine?.machineClass !== undefined && assigned === undefined;
			this.extent = extent;
			this.sensors = sensors;
			if (!extent) return;
			const { from, to } = extent;
			const [overview, anomalies, proposal] = await Promise.all([
				store.series.query({ sensorIds: sensors.map((sensor) => sensor.id), from, to, maxPoints: overviewPoints }),
				store.spans.list({ machineId, from, to }),
				trainingRuns.propose(machineId)
			]);
			this.overview = overview;
			this.anomalies = anomalies;
			this.take(proposal);
		} catch (error) {
			this.problem = toPlainError(error);
		} finally {
			this.loading = false;
		}
	}

	take(proposal: TrainingProposal): void {
		this.proposal = proposal;
		this.from = proposal.from;
		this.to = proposal.to;
		this.chosen = new Set(proposal.sensorNames);
	}

	choose(sensorName: string, included: boolean): void {
		const chosen = new Set(this.chosen);
		if (included) chosen.add(sensorName);
		else chosen.delete(sensorName);
		this.chosen = chosen;
	}

	request(machineId: MachineId): TrainingRequest {
		const sensorNames = this.sensors.map((sensor) => sensor.name).filter((name) => this.chosen.has(name));
		return { machineId, sensorNames, from: this.from, to: this.to, seed: this.seed, maxEpochs: this.maxEpochs };
	}
}
