/**
 * What the machine screen shows beyond the tile: traces of every series, spans, model, the span of time in sight.
 *
 * In: stored history by queries as wide as the view, live readings and verdicts as they come. Out: joined traces, taken
 * up at most twice a second, and the scrub state that fingers and buttons change.
 */
import { coverageFor, joinTail, LiveTail, needsQuery, type Coverage } from '$lib/charts/live-tail';
import { scrub, spanOf, startScrub, type ScrubEvent, type ScrubState } from '$lib/charts/scrub';
import type { Trace } from '$lib/charts/trace';
import type { ModeSpan } from '$lib/charts/trend-series';
import {
	derivedSeries,
	modeCodeOf,
	modeHeartbeatMs,
	modeNamesKey,
	renameMode,
	sensorIdOf,
	splitSensorId,
	toPlainError,
	type AnomalyEvent,
	type AnomalyExplanation,
	type AnomalySpan,
	type EpochMs,
	type MachineId,
	type ModelVersion,
	type NamedMode,
	type PlainError,
	type ReadingBatch,
	type SensorId,
	type SeriesSlice
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { fleet } from '../plant/fleet.svelte';
import { BandHistory, type ExpectedBand } from './band-history';
import { ModeHistory } from './mode-history';
import { labelOfMode, modeStretches, modeWords } from './mode-stretches';
import { session } from '../app/session.svelte';
import { live } from '../app/live.svelte';
import type { MachineState } from './machine-state.svelte';
import { versionInUse } from '../models/model-words';

const flushMs = 500;
/** Live samples kept beside the stored slice before the slice is asked for again. */
const tailSpanMs = 10 * 60_000;
/** A late sample is drawn after at most this long. */
const lateReloadMs = 5_000;
const defaultSpanMs = 3_600_000;

export interface LatestValue {
	readonly time: EpochMs;
	readonly value: number;
	readonly quality: number;
}

export class MachineView {
	readonly id: MachineId;
	#store: Store;
	#scrub = $state.raw<ScrubState>(startScrub(Date.now(), defaultSpanMs));
	#traces = $state.raw<ReadonlyMap<string, Trace>>(new Map());
	#latest = $state.raw<ReadonlyMap<string, LatestValue>>(new Map());
	#bands = $state.raw<ReadonlyMap<string, ExpectedBand>>(new Map());
	#spans = $state.raw<readonly AnomalySpan[]>([]);
	#model = $state.raw<ModelVersion | undefined>();
	#problem = $state.raw<PlainError | undefined>();
	#loading = $state(true);
	#modes = $state.raw<readonly ModeSpan[]>([]);
	#modeNames = $state.raw<readonly NamedMode[]>([]);
	#extent = $state.raw<{ from: EpochMs; to: EpochMs; readings: number } | undefined>();

	/** Plot width in pixels, as last laid out. */
	#width = 0;
	#coverage: Coverage | undefined;
	/** Names of the series that the last query asked for. */
	#asked: string | undefined;
	#slices = new Map<string, SeriesSlice>();
	#seenAt = new Map<string, EpochMs | undefined>();
	#tails = new Map<string, LiveTail>();
	#bandHistory = new BandHistory();
	#latestDraft = new Map<string, LatestValue>();
	#modeHistory = new ModeHistory();
	#dirty = false;
	#querying = false;
	#queryAgain = false;
	#reloadAt = Infinity;
	#ended = false;
	#watchSpans: (() => void) | undefined;
	#watchedSpan: { from: EpochMs; to: EpochMs } | undefined;

	readonly machine: MachineState | undefined = $derived.by(() => fleet.get(this.id));
	/** Names of all series: score and health first, then the sensors. */
	readonly seriesNames: readonly string[] = $derived([
		derivedSeries.score,
		derivedSeries.health,
		...(this.machine?.sensors.map((sensor) => sensor.name) ?? [])
	]);

	constructor(store: Store, id: MachineId) {
		this.#store = store;
		this.id = id;
	}

	get scrub(): ScrubState {
		return this.#scrub;
	}
	get traces(): ReadonlyMap<string, Trace> {
		return this.#traces;
	}
	/** Newest value of each sensor, by name. */
	get latest(): ReadonlyMap<string, LatestValue> {
		return this.#latest;
	}
	/** What the model expected, by sensor name. */
	get bands(): ReadonlyMap<string, ExpectedBand> {
		return this.#bands;
	}
	/** In which mode the machine ran over the span in sight. */
	get modeSpans(): readonly ModeSpan[] {
		return this.#modes;
	}
	get modeNames(): readonly NamedMode[] {
		return this.#modeNames;
	}
	/** The present mode in words; undefined before a verdict. */
	readonly mode: string | undefined = $derived.by(() => {
		const report = this.machine?.report;
		return report && report.mode !== 'unknown' ? modeWords(report, (index) => this.#labelOfMode(index)) : undefined;
	});
	get spans(): readonly AnomalySpan[] {
		return this.#spans;
	}
	/** The version that judges this machine. */
	get model(): ModelVersion | undefined {
		return this.#model;
	}
	get problem(): PlainError | undefined {
		return this.#problem;
	}
	/** True until the first history is there. */
	get loading(): boolean {
		return this.#loading;
	}
	get extent(): { from: EpochMs; to: EpochMs; readings: number } | undefined {
		return this.#extent;
	}

	#labelOfMode(index: number): string {
		return labelOfMode(this.#model?.modes, index, this.#modeNames, this.machine?.sensors ?? []);
	}

	/** Names a learnt mode; an empty name takes the given one away. */
	async nameMode(index: number, name: string): Promise<void> {
		const modes = this.#model?.modes;
		if (!modes) return;
		try {
			await this.#store.settings.set(modeNamesKey(this.id), renameMode(modes, index, name, this.#modeNames));
		} catch (error) {
			this.#problem = toPlainError(error);
		}
	}

	/** Why an anomaly, by the model's own gradients. */
	explain(event: AnomalyEvent): Promise<AnomalyExplanation | undefined> {
		return session.inference.explain(this.id, event.start, event.end ?? Date.now());
	}

	send(event: ScrubEvent): void {
		this.#scrub = scrub(this.#scrub, event);
		this.#check();
	}

	resize(width: number): void {
		if (width <= 0 || width === this.#width) return;
		this.#width = width;
		this.#check();
	}

	/** Follows live values and storage until the returned function is called. `show` starts at a span of history. */
	follow(show?: { from: EpochMs; to: EpochMs }): () => void {
		const ends = [
			live.on('readings', ({ batch }) => this.#hearReadings(batch)),
			live.on('verdicts', ({ reports }) => {
				for (const report of reports) {
					if (report.machineId !== this.id) continue;
					if (Number.isFinite(report.score)) this.#append(derivedSeries.score, report.time, report.score);
					if (Number.isFinite(report.index)) this.#append(derivedSeries.health, report.time, report.index);
					if (report.mode !== 'unknown' && this.#modeHistory.add(report.time, modeCodeOf(report))) this.#dirty = true;
					for (const { sensorName, expected, band } of report.contributors) {
						if (!Number.isFinite(expected) || !Number.isFinite(band)) continue;
						this.#bandHistory.add(sensorName, report.time, expected - band, expected + band);
					}
				}
			}),
			this.#store.models.watch((versions, assignments) => {
				const machine = fleet.get(this.id)?.record ?? { id: this.id };
				this.#model = versionInUse(machine, versions, assignments);
			}),
			this.#store.settings.watch<NamedMode[]>(modeNamesKey(this.id), (names) => {
				this.#modeNames = names ?? [];
				this.#dirty = true;
			})
		];
		const timer = setInterval(() => this.#tick(), flushMs);
		void this.#begin(show);
		return () => {
			this.#ended = true;
			for (const end of ends) end();
			this.#watchSpans?.();
			clearInterval(timer);
		};
	}

	async #begin(show: { from: EpochMs; to: EpochMs } | undefined): Promise<void> {
		try {
			const extent = await this.#store.series.extent(this.id);
			if (this.#ended) return;
			this.#extent = extent;
			this.send({ type: 'earliest', time: extent?.from });
			if (show) this.send({ type: 'show', ...show });
			else if (extent && fleet.get(this.id)?.recorded) this.send({ type: 'show', from: extent.from, to: extent.to });
			await this.loadLatest();
		} catch (error) {
			this.#problem = toPlainError(error);
		}
		this.#check();
	}

	async loadLatest(): Promise<void> {
		const sensors = await this.#store.registry.sensors(this.id);
		const latest = await this.#store.series.latest(sensors.map(({ id }) => id));
		for (const [sensorId, value] of latest) {
			const { sensorName } = splitSensorId(sensorId);
			const known = this.#latestDraft.get(sensorName);
			if (!known || known.time < value.time) this.#latestDraft.set(sensorName, value);
		}
		this.#dirty = true;
	}

	#hearReadings(batch: ReadingBatch): void {
		const names = batch.sensorIds.map((sensorId) => this.#ownName(sensorId));
		if (names.every((name) => name === undefined)) return;
		for (let i = 0; i < batch.times.length; i++) {
			const name = names[batch.series[i]!];
			if (name === undefined) continue;
			const time = batch.times[i]!;
			const value = batch.values[i]!;
			const quality = batch.qualities[i]!;
			this.#append(name, time, quality === 2 ? NaN : value);
			const known = this.#latestDraft.get(name);
			if (!known || known.time <= time) this.#latestDraft.set(name, { time, value, quality });
		}
	}

	#ownName(sensorId: SensorId): string | undefined {
		return sensorId.startsWith(`${this.id}:`) ? splitSensorId(sensorId).sensorName : undefined;
	}

	#append(name: string, time: EpochMs, value: number): void {
		let tail = this.#tails.get(name);
		if (!tail) this.#tails.set(name, (tail = new LiveTail()));
		const inOrder = tail.add(time, value);
		const slice = this.#slices.get(name);
		const storedLast = slice?.times.at(-1);
		// A sample older than what the slice ends with is in storage but not in the slice.
		if (!inOrder || (storedLast !== undefined && time < storedLast))
			this.#reloadAt = Math.min(this.#reloadAt, Date.now() + lateReloadMs);
		this.#dirty = true;
	}

	#tick(): void {
		const now = Date.now();
		this.#scrub = scrub(this.#scrub, { type: 'tick', now });
		if (this.#dirty) this.#publish();
		const oldest = Math.min(...[...this.#tails.values()].map((tail) => tail.times[0] ?? Infinity));
		if (now >= this.#reloadAt || now - oldest > tailSpanMs + spanOf(this.#scrub.viewport) / 20) this.#query();
		else this.#check();
	}

	#check(): void {
		if (this.#asked !== this.seriesNames.join() || needsQuery(this.#scrub.viewport, this.#coverage, this.#width))
			this.#query();
	}

	#query(): void {
		if (this.#width <= 0 || this.#ended) return;
		if (this.#querying) {
			this.#queryAgain = true;
			return;
		}
		this.#querying = true;
		void this.#runQuery().finally(() => {
			this.#querying = false;
			if (!this.#queryAgain || this.#ended) return;
			this.#queryAgain = false;
			this.#check();
		});
	}

	async #runQuery(): Promise<void> {
		const { viewport } = this.#scrub;
		const wanted = coverageFor(viewport, this.#width);
		this.#reloadAt = Infinity;
		const names = this.seriesNames;
		this.#asked = names.join();
		const seenAt = new Map(names.map((name) => [name, this.#tails.get(name)?.newest]));
		const askedAt = Date.now();
		this.#followSpans(wanted.from, wanted.to);
		this.#bandHistory.trim(wanted.from);
		void this.#loadExpected();
		try {
			const slices = await this.#store.series.query({
				sensorIds: names.map((name) => sensorIdOf(this.id, name)),
				...wanted
			});
			const [modes] = await this.#store.series.query({
				sensorIds: [sensorIdOf(this.id, derivedSeries.mode)],
				from: wanted.from - 2 * modeHeartbeatMs,
				to: wanted.to
			});
			if (this.#ended) return;
			this.#modeHistory.takeStored(modes, this.#coverage?.from);
			this.#slices = new Map(slices.map((slice) => [splitSensorId(slice.sensorId).sensorName, slice]));
			this.#seenAt = seenAt;
			const raw = slices.every((slice) => slice.tier === 'raw');
			this.#coverage = {
				from: wanted.from,
				to: wanted.to,
				resolutionMs: raw ? 0 : (wanted.to - wanted.from) / wanted.maxPoints
			};
			for (const tail of this.#tails.values()) tail.trim(askedAt - 60_000);
			this.#problem = undefined;
		} catch (error) {
			if (this.#ended) return;
			this.#problem = toPlainError(error);
			// Not again at once: the next half-minute, or when the view moves.
			this.#coverage = { from: wanted.from, to: wanted.to, resolutionMs: 0 };
			this.#reloadAt = Date.now() + 30_000;
		}
		this.#loading = false;
		this.#publish();
	}

	async #loadExpected(): Promise<void> {
		const { viewport, following } = this.#scrub;
		const span = this.#bandHistory.claim(viewport, following, this.#model?.id, Date.now());
		if (!span) return;
		try {
			const bands =
				(await session.inference.expected(this.id, span.from, span.to)) ??
				(await session.inference.expected(this.id, viewport.from, viewport.to));
			if (this.#ended) return;
			this.#bandHistory.takePast(bands);
			this.#dirty = true;
		} catch {
			// No worker now: the live band is drawn all the same, and the past one is asked for with the next move.
			this.#bandHistory.release();
		}
	}

	#followSpans(from: EpochMs, to: EpochMs): void {
		const watched = this.#watchedSpan;
		if (watched && watched.from <= from && watched.to >= to) return;
		this.#watchSpans?.();
		const margin = to - from;
		this.#watchedSpan = { from: from - margin, to: to + margin };
		this.#watchSpans = this.#store.spans.watch({ machineId: this.id, ...this.#watchedSpan }, (spans) => {
			this.#spans = spans;
		});
	}

	#publish(): void {
		this.#dirty = false;
		const traces = new Map<string, Trace>();
		for (const name of this.seriesNames)
			traces.set(
				name,
				joinTail(this.#slices.get(name), this.#tails.get(name) ?? new LiveTail(), this.#seenAt.get(name))
			);
		this.#traces = traces;
		this.#latest = new Map(this.#latestDraft);
		this.#bands = this.#bandHistory.joined();
		const { times, codes } = this.#modeHistory;
		const until = this.machine?.report?.time ?? times.at(-1) ?? 0;
		this.#modes = modeStretches(times, codes, until, (index) => this.#labelOfMode(index));
	}
}
