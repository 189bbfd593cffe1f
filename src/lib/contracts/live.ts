/**
 * What workers tell every tab: one BroadcastChannel per workspace, plain data and typed arrays only.
 *
 * Acquisition posts readings once they are committed; inference posts verdicts. A tab that missed messages catches up from
 * storage, so losing one here never loses data.
 */
import type { DataHealthReport } from './data-health';
import type { HealthReport } from './health-report';
import type { IntakeCounters, LinkStatus } from './link';
import type { Prognosis } from './prognosis';
import type { ReadingBatch } from './reading';
import type { WorkspaceName } from './source';

export type LiveMessage =
	| { readonly kind: 'readings'; readonly batch: ReadingBatch }
	| { readonly kind: 'link'; readonly status: LinkStatus }
	| { readonly kind: 'intake'; readonly counters: IntakeCounters }
	| {
			readonly kind: 'verdicts';
			readonly reports: readonly HealthReport[];
			/** New prognoses since the last message; a machine without one here keeps what it had. */
			readonly prognoses?: readonly Prognosis[];
	  }
	| { readonly kind: 'data-health'; readonly report: DataHealthReport }
	| { readonly kind: 'inference'; readonly status: InferenceStatus };

export interface InferenceStatus {
	readonly backend: string | undefined;
	/** Machines with a model, scored at least once. */
	readonly machinesScored: number;
	/** Machines that nothing judges. */
	readonly machinesWithoutModel: number;
	/** Of those scored: machines without a model, watched by their levels. */
	readonly machinesByLevels?: number;
	/** Median and 95th percentile, milliseconds from commit to verdict, last minute. */
	readonly p50Ms: number;
	readonly p95Ms: number;
	/** Verdicts of the last minute, those of them that came more than 100 ms after their reading, and machines waiting now. */
	readonly verdicts?: number;
	readonly late?: number;
	readonly waiting?: number;
	/** TensorFlow.js tensors alive in the scoring worker: must not grow. */
	readonly tensors?: number;
	readonly problem?: string;
}

export function liveChannelName(workspace: WorkspaceName): string {
	return `millwright:live:${workspace}`;
}

/** Web Locks: whoever holds it does that work for all tabs. */
export function lockName(role: 'acquisition' | 'inference' | 'seal', workspace: WorkspaceName): string {
	return `millwright:${role}:${workspace}`;
}
