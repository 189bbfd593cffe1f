/**
 * The drift monitor on simulated machines: healthy ones, and ones of which a sensor drifts for hours. In: each machine's verdicts. Out: how often it
 * says something of the healthy, and how soon of the drifting.
 */
import type { FaultTruth, SensorKind } from '$lib/contracts';
import { DriftMonitor } from '$lib/detection';
import type { Verdict } from '$lib/pipeline';
import type { DriftOutcome } from './protocol';

/** A calm begin, from which the monitor learns what is usual, then growth to full size. */
export const driftOnsetMinutes = 4 * 60;
export const driftGrowthMinutes = 4 * 60;
export const driftHours = 8;

export class DriftWatch {
	private readonly monitor: DriftMonitor;
	private blocks = 0;
	private withFinding = 0;
	private foundAt: number | undefined;

	constructor(
		private readonly truth: FaultTruth | undefined,
		modelId: string,
		kindOf: (sensorName: string) => SensorKind | undefined
	) {
		this.monitor = new DriftMonitor(modelId, kindOf);
	}

	take({ detected }: Verdict): void {
		const status = this.monitor.add(detected);
		if (!status) return;
		const finding = status.finding !== undefined;
		if (this.truth && status.time >= this.truth.onset) {
			if (finding) this.foundAt ??= status.time;
			return;
		}
		this.blocks++;
		if (finding) this.withFinding++;
	}

	/** Blocks of healthy running, also of a machine before its sensor drifts. */
	get outcome(): DriftOutcome {
		const { truth, blocks, withFinding, foundAt } = this;
		return {
			...{ blocks, blocksWithFinding: withFinding, drifts: truth !== undefined },
			...(truth && foundAt !== undefined && { delayMinutes: (foundAt - truth.detectableFrom) / 60_000 })
		};
	}
}
