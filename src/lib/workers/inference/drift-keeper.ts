/**
 * Inference: watches every machine for slow change, and keeps what it has learnt through reloads.
 *
 * In: detected states as they are judged. Out: a `DriftStatus` per machine in storage, written when a block of rows is complete.
 */
import {
	driftKey,
	type DetectedState,
	type DriftRecord,
	type DriftStatus,
	type MachineId,
	type SensorKind
} from '../../contracts';
import { DriftMonitor, type DriftMemory } from '../../detection';
import type { Store } from '../../storage/store';

type Kept = DriftRecord<DriftMemory>;

export class DriftKeeper {
	private readonly monitors = new Map<MachineId, DriftMonitor>();
	private readonly pending = new Map<MachineId, DriftStatus>();
	private readonly findings = new Map<MachineId, DriftStatus>();

	constructor(private readonly store: Store) {}

	/** Goes on from what is stored, if it is of this model. */
	async begin(
		machineId: MachineId,
		modelId: string,
		kindOf: (sensorName: string) => SensorKind | undefined
	): Promise<void> {
		const kept = await this.store.settings.get<Kept>(driftKey(machineId));
		this.monitors.set(machineId, new DriftMonitor(modelId, kindOf, kept?.memory));
		if (kept?.status.modelId === modelId) this.findings.set(machineId, kept.status);
		else this.findings.delete(machineId);
	}

	end(machineId: MachineId): void {
		this.monitors.delete(machineId);
		this.findings.delete(machineId);
	}

	add(machineId: MachineId, state: DetectedState): void {
		const status = this.monitors.get(machineId)?.add(state);
		if (!status) return;
		this.pending.set(machineId, status);
		this.findings.set(machineId, status);
	}

	/** Recent mean residuals by sensor, in half-widths of the normal band; undefined while something drifts or too little is known. */
	calmResiduals(machineId: MachineId): ReadonlyMap<string, number> | undefined {
		if (this.findings.get(machineId)?.finding) return undefined;
		return this.monitors.get(machineId)?.recentResiduals();
	}

	/** Writes what is new; what fails is written with the next call. */
	async flush(): Promise<void> {
		if (this.pending.size === 0) return;
		const written = new Map(this.pending);
		const records = new Map<string, Kept>();
		for (const [machineId, status] of written) {
			const monitor = this.monitors.get(machineId);
			if (monitor) records.set(driftKey(machineId), { status, memory: monitor.kept });
		}
		await this.store.settings.setAll(records);
		for (const [machineId, status] of written)
			if (this.pending.get(machineId) === status) this.pending.delete(machineId);
	}
}
