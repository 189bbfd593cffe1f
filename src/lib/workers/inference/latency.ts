/** Inference: how long a reading waited for its verdict, over the last minute. In: durations. Out: median and 95th percentile. */
const keptMs = 60_000;

export class LatencyMeter {
	private readonly samples: { at: number; ms: number }[] = [];

	add(ms: number, now: number): void {
		this.samples.push({ at: now, ms });
		while (this.samples.length > 0 && (this.samples[0]!.at < now - keptMs || this.samples.length > 5000))
			this.samples.shift();
	}

	/** NaN when nothing was scored in the last minute. */
	quantile(share: number): number {
		const sorted = Float64Array.from(this.samples, ({ ms }) => ms).sort();
		return sorted.length === 0 ? Number.NaN : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
	}
}
