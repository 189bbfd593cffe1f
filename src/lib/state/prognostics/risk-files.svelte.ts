/**
 * State: files that tell failures, on their way to a failure classifier: chosen, mapped, read. One file is a table of rows; several are a fleet's
 * telemetry and logs. In: files and a person's mapping. Out: previews, what stands in the way, what was read. Reading is the import worker's.
 */
import {
	type FleetMapping,
	type FleetReading,
	type PlainError,
	type RiskMapping,
	type RiskPreview,
	type RiskTableReading
} from '$lib/contracts';
import { FileTurn } from './file-turn';

export type RiskFilesPhase = 'choosing' | 'reading-preview' | 'mapping' | 'reading' | 'read';

export interface FleetFile {
	readonly file: File;
	readonly preview: RiskPreview;
	readonly mapping: FleetMapping;
}

export class RiskFiles {
	phase = $state<RiskFilesPhase>('choosing');
	files = $state.raw<readonly File[]>([]);
	/** Of one file alone. */
	preview = $state.raw<RiskPreview | undefined>();
	mapping = $state.raw<RiskMapping | undefined>();
	/** Of several. */
	fleet = $state.raw<readonly FleetFile[]>([]);
	table = $state.raw<RiskTableReading | undefined>();
	days = $state.raw<FleetReading | undefined>();
	fraction = $state(0);
	problem = $state.raw<PlainError | undefined>();

	readonly name = $derived(
		this.files.length === 1 ? this.files[0]!.name : this.files.length > 1 ? `${this.files.length} files` : 'The file'
	);
	readonly errors = $derived.by(() =>
		this.mapping ? rowMappingErrors(this.mapping, this.learning) : fleetErrors(this.fleet, this.learning)
	);
	#turn = new FileTurn();

	/** `learning`: labels are needed. */
	constructor(private readonly learning: boolean) {}

	async choose(files: readonly File[]): Promise<void> {
		this.reset();
		if (files.length === 0) return;
		this.files = files;
		this.phase = 'reading-preview';
		const previews: RiskPreview[] = [];
		for (const file of files) {
			const preview = await this.#turn.take(
				file,
				(reading) => reading.previewRisk(),
				(problem) => this.#fail(problem, 'choosing')
			);
			if (!preview) return;
			previews.push(preview);
		}
		if (files.length === 1) {
			this.preview = previews[0];
			this.mapping = previews[0]!.asRows;
		} else this.fleet = files.map((file, i) => ({ file, preview: previews[i]!, mapping: previews[i]!.asFleet }));
		this.phase = 'mapping';
	}

	remapFile(at: number, mapping: FleetMapping): void {
		this.fleet = this.fleet.map((part, i) => (i === at ? { ...part, mapping } : part));
	}

	async read(): Promise<void> {
		if (this.errors.length > 0 || this.files.length === 0) return;
		const { mapping } = this;
		this.phase = 'reading';
		this.problem = undefined;
		this.fraction = 0;
		const tell = (fraction: number) => (this.fraction = fraction);
		const read = await this.#turn.take(
			this.files[0]!,
			async (reading) =>
				mapping
					? { table: await reading.readRiskTable(mapping, tell) }
					: {
							days: await reading.readFleet(
								this.fleet.map(({ file, mapping }) => ({ file, mapping })),
								tell
							)
						},
			(problem) => this.#fail(problem, 'mapping')
		);
		if (!read) return;
		this.table = read.table;
		this.days = read.days;
		this.phase = 'read';
	}

	cancel(): void {
		if (this.phase === 'reading-preview') return this.reset();
		if (this.phase !== 'reading') return;
		this.#turn.end();
		this.phase = 'mapping';
	}

	/** Back to what the columns mean, keeping the files. */
	remap(): void {
		this.table = undefined;
		this.days = undefined;
		this.problem = undefined;
		this.phase = 'mapping';
	}

	reset(): void {
		this.#turn.end();
		this.phase = 'choosing';
		this.files = [];
		this.preview = undefined;
		this.mapping = undefined;
		this.fleet = [];
		this.table = undefined;
		this.days = undefined;
		this.problem = undefined;
	}

	#fail(problem: PlainError | undefined, phase: RiskFilesPhase): void {
		this.problem = problem;
		this.phase = phase;
	}
}

/** What stands in the way of reading rows, in words. */
export function rowMappingErrors({ label, inputs, modes }: RiskMapping, learning: boolean): string[] {
	const errors: string[] = [];
	if (learning && label === '') errors.push('Choose the column that says whether a row failed.');
	if (inputs.length === 0) errors.push('Choose at least one input.');
	for (const name of inputs)
		if (name === label || modes.includes(name))
			errors.push(`"${name}" says that or how a row failed: it is the answer, and cannot be an input as well.`);
	return errors;
}

export function fleetErrors(
	parts: readonly { file: { name: string }; mapping: FleetMapping }[],
	learning: boolean
): string[] {
	if (parts.length === 0) return [];
	const errors: string[] = [];
	const roles = parts.map(({ mapping }) => mapping.role);
	if (!roles.includes('telemetry')) errors.push('One of the files must hold telemetry: readings by machine and time.');
	if (learning && !roles.includes('failures')) errors.push('One of the files must be the log of failures.');
	for (const { file, mapping } of parts) {
		const { role, machineColumn, timeColumn, values } = mapping;
		if (role === 'none') continue;
		if (machineColumn === '') errors.push(`${file.name}: choose the column that names the machine.`);
		if (role !== 'machines' && timeColumn === '') errors.push(`${file.name}: choose the column that holds the time.`);
		if ((role === 'telemetry' || role === 'machines') && values.length === 0)
			errors.push(`${file.name}: choose at least one column of values.`);
	}
	return errors;
}

export type RowRole = 'none' | 'id' | 'unit' | 'order' | 'label' | 'mode' | 'input';

export function rowRoleOf(mapping: RiskMapping, column: string): RowRole {
	if (mapping.label === column) return 'label';
	if (mapping.modes.includes(column)) return 'mode';
	if (mapping.idColumn === column) return 'id';
	if (mapping.unitColumn === column) return 'unit';
	if (mapping.orderColumn === column) return 'order';
	return mapping.inputs.includes(column) ? 'input' : 'none';
}

/** Gives a column one meaning and takes every other from it; inputs and modes stay in the file's order. */
export function withRowRole(
	mapping: RiskMapping,
	columns: readonly string[],
	column: string,
	role: RowRole
): RiskMapping {
	const single = (now: string, own: RowRole) => (role === own ? column : now === column ? '' : now);
	const several = (now: readonly string[], own: RowRole) =>
		columns.filter((name) => (name === column ? role === own : now.includes(name)));
	return {
		...mapping,
		idColumn: single(mapping.idColumn, 'id'),
		unitColumn: single(mapping.unitColumn, 'unit'),
		orderColumn: single(mapping.orderColumn, 'order'),
		label: single(mapping.label, 'label'),
		modes: several(mapping.modes, 'mode'),
		inputs: several(mapping.inputs, 'input')
	};
}
