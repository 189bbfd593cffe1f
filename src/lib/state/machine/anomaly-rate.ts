/**
 * Anomaly rate: the share of machine-time that was anomalous. In: spans, and since when each machine has been watched.
 * Out: the share with its two inputs, so that the screen can say where the number comes from.
 */
import type { AnomalySpan, EpochMs, MachineId } from '../../contracts';

export interface WatchedMachine {
	readonly id: MachineId;
	/** First and last time in question at which the machine was scored. */
	readonly from: EpochMs;
	readonly to: EpochMs;
}

export interface AnomalyRate {
	/** 0-1; NaN when no machine was watched. */
	readonly share: number;
	readonly anomalousMs: number;
	readonly watchedMs: number;
	readonly machines: number;
}

/**
 * anomalous machine-time / watched machine-time within [from, to].
 * A span without an end lasts until its machine was last scored; overlapping spans of one machine count once.
 */
export function anomalyRate(
	spans: readonly AnomalySpan[],
	watched: readonly WatchedMachine[],
	from: EpochMs,
	to: EpochMs
): AnomalyRate {
	const byMachine = new Map<MachineId, AnomalySpan[]>();
	for (const span of spans) {
		const list = byMachine.get(span.machineId);
		if (list) list.push(span);
		else byMachine.set(span.machineId, [span]);
	}
	let anomalousMs = 0;
	let watchedMs = 0;
	let machines = 0;
	for (const machine of watched) {
		const start = Math.max(from, machine.from);
		const end = Math.min(to, machine.to);
		if (!(end > start)) continue;
		machines += 1;
		watchedMs += end - start;
		let reached = start;
		const own = [...(byMachine.get(machine.id) ?? [])].sort((a, b) => a.start - b.start);
		for (const span of own) {
			const spanEnd = Math.min(end, span.end ?? machine.to);
			const spanStart = Math.max(reached, span.start);
			if (spanEnd <= spanStart) continue;
			anomalousMs += spanEnd - spanStart;
			reached = spanEnd;
		}
	}
	return { share: watchedMs > 0 ? anomalousMs / watchedMs : NaN, anomalousMs, watchedMs, machines };
}
