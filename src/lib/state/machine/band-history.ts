/**
 * State: what the model expected of each sensor over the span in sight.
 *
 * In: bands calculated for a span of the past, bands heard live. Out: one band per sensor, the past then the live, and which span is to be
 * calculated next. Bounded: what lies before the view is forgotten, and so is the older half of a long live tail.
 */
import { lowerBound } from '$lib/charts/trace';
import type { EpochMs, ExpectedBands } from '$lib/contracts';

/** Rows heard live that are kept beside what was calculated for the past. */
const longestTail = 7_200;

export interface ExpectedBand {
	readonly times: readonly EpochMs[];
	readonly low: readonly number[];
	readonly high: readonly number[];
}

interface Span {
	readonly from: EpochMs;
	readonly to: EpochMs;
}

export class BandHistory {
	#past = new Map<string, ExpectedBand>();
	readonly #tails = new Map<string, { times: EpochMs[]; low: number[]; high: number[] }>();
	/** The span that the past was last asked for, and of which model. */
	#asked: (Span & { readonly modelId: string | undefined }) | undefined;

	/** One row heard live; one that is not newer than the last is passed over. */
	add(sensorName: string, time: EpochMs, low: number, high: number): void {
		let tail = this.#tails.get(sensorName);
		if (!tail) this.#tails.set(sensorName, (tail = { times: [], low: [], high: [] }));
		if (tail.times.length > 0 && time <= tail.times.at(-1)!) return;
		tail.times.push(time);
		tail.low.push(low);
		tail.high.push(high);
		if (tail.times.length <= longestTail) return;
		for (const column of [tail.times, tail.low, tail.high]) column.splice(0, longestTail / 2);
		this.#asked = undefined;
	}

	/** The span to calculate for a view, with a margin, and taken as asked for from now on; undefined where it is known already. */
	claim(view: Span, following: boolean, modelId: string | undefined, now: EpochMs): Span | undefined {
		const { from, to } = view;
		const asked = this.#asked;
		if (asked && asked.modelId === modelId && asked.from <= from && (asked.to >= to || following)) return undefined;
		const margin = (to - from) / 2;
		this.#asked = { from: from - margin, to: Math.min(to + margin, now), modelId };
		return this.#asked;
	}

	/** What was claimed could not be calculated: it is to be asked for again. */
	release(): void {
		this.#asked = undefined;
	}

	takePast(bands: ExpectedBands | undefined): void {
		this.#past = new Map(
			bands?.sensors.map(({ sensorName, expected, band }) => [
				sensorName,
				{
					times: Array.from(bands.times),
					low: Array.from(expected, (value) => value - band),
					high: Array.from(expected, (value) => value + band)
				}
			])
		);
	}

	/** Forgets bands of before what is drawn; they are asked for again with the next move there. */
	trim(from: EpochMs): void {
		if (this.#asked && this.#asked.from < from) this.#asked = { ...this.#asked, from };
		for (const { times, low, high } of this.#tails.values()) {
			const first = lowerBound(times, from);
			if (first > 0) for (const column of [times, low, high]) column.splice(0, first);
		}
		for (const [name, { times, low, high }] of this.#past) {
			const first = lowerBound(times, from);
			if (first === 0) continue;
			this.#past.set(name, { times: times.slice(first), low: low.slice(first), high: high.slice(first) });
		}
	}

	/** By sensor name. */
	joined(): ReadonlyMap<string, ExpectedBand> {
		const names = new Set([...this.#past.keys(), ...this.#tails.keys()]);
		return new Map([...names].map((name) => [name, joinBands(this.#past.get(name), this.#tails.get(name))]));
	}
}

/** What was calculated for the past, then what was heard live. */
function joinBands(past: ExpectedBand | undefined, live: ExpectedBand | undefined): ExpectedBand {
	if (!past || !live) return (past ?? live)!;
	const first = live.times[0] ?? Infinity;
	const end = past.times.findIndex((time) => time >= first);
	const kept = end < 0 ? past.times.length : end;
	return {
		times: [...past.times.slice(0, kept), ...live.times],
		low: [...past.low.slice(0, kept), ...live.low],
		high: [...past.high.slice(0, kept), ...live.high]
	};
}
