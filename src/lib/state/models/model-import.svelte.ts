/**
 * State: a Keras model on its way to a machine: files picked, inputs matched with sensors, calibrated on normal running, put in use.
 *
 * In: files from the person; the training worker reads and calibrates. Out: what the file holds, what is still missing, the version.
 */
import {
	MillwrightError,
	toPlainError,
	type MachineId,
	type ModelFileSummary,
	type ModelVersion,
	type PickedFile,
	type PlainError
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { session } from '../app/session.svelte';
import { TrainingForm } from './training-form.svelte';

/** No network that a tablet can run live is larger. */
const mostBytes = 256 * 1024 * 1024;

export class ModelImport {
	phase = $state<'choosing' | 'reading' | 'matching' | 'calibrating' | 'done'>('choosing');
	problem = $state.raw<PlainError | undefined>(undefined);
	files = $state.raw<readonly PickedFile[]>([]);
	summary = $state.raw<ModelFileSummary | undefined>(undefined);
	/** Sensor of each input; '' where none has been chosen. */
	inputs = $state<string[]>([]);
	/** Scale rows as the file says; otherwise the scale is learnt from the span. */
	scaleOfFile = $state(false);
	version = $state.raw<ModelVersion | undefined>(undefined);
	inUse = $state(false);

	/** The span, and what is stored of the machine. */
	readonly form = new TrainingForm();

	readonly tooFewSensors = $derived(this.summary !== undefined && this.form.sensors.length < this.summary.inputs);
	readonly inputErrors = $derived(
		this.inputs.map((name, k) =>
			name === '' ? 'Choose a sensor' : this.inputs.indexOf(name) !== k ? `${name} is chosen twice` : undefined
		)
	);
	readonly ready = $derived(
		this.phase === 'matching' &&
			!this.tooFewSensors &&
			this.form.proposal !== undefined &&
			this.form.errors.span === undefined &&
			this.inputErrors.every((error) => error === undefined)
	);

	#loaded: Promise<void> = Promise.resolve();

	/** Reads what is stored of the machine. */
	load(store: Store, machineId: MachineId): void {
		this.#loaded = this.form.load(store, machineId);
	}

	async choose(files: readonly File[]): Promise<void> {
		this.phase = 'reading';
		this.problem = undefined;
		try {
			const bytes = files.reduce((sum, { size }) => sum + size, 0);
			if (bytes > mostBytes)
				throw new MillwrightError('invalid-file', `These files have more than ${mostBytes / 1024 ** 2} MB`);
			this.files = await Promise.all(files.map(async (file) => ({ name: file.name, bytes: await file.arrayBuffer() })));
			this.summary = await session.training.inspectModel(this.files);
			await this.#loaded;
			this.inputs = matchInputs(
				this.summary,
				this.form.sensors.map(({ name }) => name)
			);
			this.scaleOfFile = this.summary.settings !== undefined;
			this.phase = 'matching';
		} catch (error) {
			this.#fail(error, 'choosing');
		}
	}

	async calibrate(machineId: MachineId): Promise<void> {
		if (!this.ready) return;
		this.phase = 'calibrating';
		this.problem = undefined;
		const settings = this.scaleOfFile ? this.summary?.settings : undefined;
		try {
			this.version = await session.training.importModel({
				machineId,
				files: this.files,
				sensorNames: [...this.inputs],
				from: this.form.from,
				to: this.form.to,
				...(settings ? { scale: { mean: settings.mean, deviation: settings.deviation } } : {})
			});
			this.phase = 'done';
		} catch (error) {
			this.#fail(error, 'matching');
		}
	}

	async putInUse(store: Store, machineId: MachineId): Promise<void> {
		if (!this.version) return;
		try {
			await store.models.assign(machineId, this.version.id);
			await session.inference.reloadModel(machineId);
			this.inUse = true;
		} catch (error) {
			this.#fail(error, 'done');
		}
	}

	/** Back to the choice of files. */
	reset(): void {
		this.phase = 'choosing';
		this.problem = undefined;
		this.files = [];
		this.summary = undefined;
		this.version = undefined;
		this.inUse = false;
	}

	#fail(error: unknown, back: typeof this.phase): void {
		this.problem = toPlainError(error);
		this.phase = back;
	}
}

/** Sensor per input: by the names that the file gives; without names by order, where there are as many sensors as inputs. */
export function matchInputs({ inputs, settings }: ModelFileSummary, sensorNames: readonly string[]): string[] {
	return Array.from({ length: inputs }, (_, k) => {
		const named = settings?.sensorNames[k];
		if (named !== undefined) return sensorNames.includes(named) ? named : '';
		return sensorNames.length === inputs ? sensorNames[k]! : '';
	});
}
