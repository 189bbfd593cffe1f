/**
 * A healthy machine's threshold as it would move in use: once a day, towards the chosen rate of false alarms, with somebody who says of each alarm that
 * it was false once it is over. In: verdicts. Out: the pipeline's threshold, moved.
 */
import { adjustThreshold, readTail } from '$lib/detection';
import type { MachinePipeline, Verdict } from '$lib/pipeline';

const dayMs = 86_400_000;

export class ThresholdFollower {
	factor = 1;
	private readonly falsePeaks: number[] = [];
	private reviewedAt: number | undefined;
	private alarmed = false;

	constructor(private readonly perWeek: number) {}

	follow({ report: { time }, span, alarmChange }: Verdict, { tail, adapted }: MachinePipeline): void {
		if (alarmChange?.kind === 'raise') this.alarmed = true;
		if (span?.end !== undefined) {
			if (this.alarmed) this.falsePeaks.push(span.peakScore * this.factor);
			this.alarmed = false;
		}
		this.reviewedAt ??= time;
		if (time - this.reviewedAt < dayMs) return;
		this.reviewedAt = time;
		const { factor, perWeek, falsePeaks } = this;
		const change = adjustThreshold({
			...{ factor, perWeek, falsePeaks, truePeaks: [] },
			hoursWatched: tail.watched?.hours ?? 0,
			tail: readTail(tail.evidence, falsePeaks, perWeek)
		});
		if (!change) return;
		this.factor = change.factor;
		adapted.set({ thresholdFactor: change.factor, residualShift: {} });
	}
}
