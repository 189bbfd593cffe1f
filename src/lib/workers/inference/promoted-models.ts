/**
 * Inference: one kind of model that a person promotes to machines, as the keeper that asks them all sees it. In: promotions, a machine that is
 * due. Out: what the model says of it, stored.
 */
import type { EpochMs, MachineId, MachineRecord, Prognosis, Promotion, SensorRecord } from '../../contracts';
import type { FailureStatement } from '../../advisory';
import type { Store } from '../../storage/store';

export interface KnownMachine {
	readonly record: MachineRecord;
	readonly sensors: readonly SensorRecord[];
}

/** What is asked of a model, and what came of it last. */
export interface Question<P extends Promotion> {
	readonly promotion: P;
	/** End of the newest data that was judged; undefined: none since scoring began. */
	readonly judgedTo: EpochMs | undefined;
	/** False when meanwhile another model has been promoted: nothing is stored then. */
	readonly isCurrent: () => boolean;
}

export interface Answer {
	/** When there may be something new to say. */
	readonly lookAt: EpochMs;
	readonly judgedTo?: EpochMs;
	/** Something new was said. */
	readonly said?: boolean;
}

export interface PromotedModels<P extends Promotion> {
	/** Follows promotions and the versions that are promoted; returns what ends it. */
	follow(onChange: (promotions: readonly P[]) => void): () => void;
	/** Calls back when all machines should be asked about again at once; returns what ends it. */
	onEvent?(ask: () => void): () => void;
	/** The same model that would say the same of the same data. */
	isSame(a: P, b: P): boolean;
	/** Machines of which something is stored. */
	spokenOf(): Promise<readonly MachineId[]>;
	forget(machineId: MachineId): Promise<void>;
	statement(machineId: MachineId): Promise<FailureStatement | undefined>;
	ask(machine: KnownMachine, question: Question<P>): Promise<Answer>;
	/** Gives back what models other than these hold. */
	keepOnly(versionIds: ReadonlySet<string>): void;
}

export interface PromotedPorts {
	readonly store: Store;
	readonly now: () => EpochMs;
}

/** Readings of a step may come a little after its end. */
export const graceMs = 2_000;
export const retryAfterMs = 60_000;

/** A prognosis that says what is missing. */
export function sayMissing(machineId: MachineId, time: EpochMs, missing: string): Prognosis {
	return { machineId, time, method: 'none', missing };
}
