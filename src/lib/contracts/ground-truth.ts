/**
 * What the simulator knows and the detectors must find out: faults with their onset and severity. Only tests and the
 * scored demo read it.
 */
import type { MachineId } from './identity';
import type { EpochMs } from './reading';

export interface FaultTruth {
	readonly machineId: MachineId;
	/** Fault mode id of the machine class, e.g. "bearing-wear". */
	readonly fault: string;
	/** When the fault began to grow. */
	readonly onset: EpochMs;
	/** When it is large enough that a good detector could tell (severity 0.1). */
	readonly detectableFrom: EpochMs;
	/** When the machine would fail (severity 1). */
	readonly timeOfEvent: EpochMs;
	/** Sensors the fault truly shows in, strongest first. */
	readonly affectedSensors: readonly string[];
	/** Severity 0-1 at `at`. */
	readonly severity: number;
	readonly at: EpochMs;
}
