/**
 * State of one machine's diagnosis: gradings, hypotheses, the chosen waveform, its waterfall and trends.
 *
 * In: the diagnosis worker's answers, asked again when a waveform has come and every ten seconds for levels. Out: reactive views, what a
 * person declared saved, labels and imports. Answers that were overtaken by a later question are dropped.
 */
import {
	declarationKey,
	MachineDeclarationSchema,
	MillwrightError,
	sensorIdOf,
	splitSensorId,
	toPlainError,
	waveformSeriesName,
	type EpochMs,
	type MachineDeclaration,
	type MachineDiagnosis,
	type MachineId,
	type PlainError,
	type SeriesSlice,
	type WaterfallView,
	type WaveformDiagnosis,
	type WaveformSeriesFeature
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import * as v from 'valibot';
import { fleet } from '../plant/fleet.svelte';
import { live } from '../app/live.svelte';
import { session } from '../app/session.svelte';

const refreshMs = 10_000;
const waterfallRows = 60;
export const trendFeatures = [
	'velocityRms',
	'crestFactor',
	'kurtosis',
	'envelopeRms'
] as const satisfies readonly WaveformSeriesFeature[];

export class DiagnosisView {
	readonly id: MachineId;
	#store: Store;
	#machine = $state.raw<MachineDiagnosis | undefined>();
	#channel = $state<string | undefined>();
	/** Undefined: follows the newest. */
	#time = $state<EpochMs | undefined>();
	#waveform = $state.raw<WaveformDiagnosis | undefined>();
	#waterfall = $state.raw<WaterfallView | undefined>();
	#trends = $state.raw<ReadonlyMap<WaveformSeriesFeature, SeriesSlice>>(new Map());
	#problem = $state.raw<PlainError | undefined>();
	#loading = $state(true);
	#question = 0;
	/** Only gradings and hypotheses are wanted (machine screen). */
	readonly #brief: boolean;

	readonly channels = $derived([...new Set(this.#machine?.waveforms.map(({ channel }) => channel) ?? [])]);
	readonly entries = $derived(this.#machine?.waveforms.filter(({ channel }) => channel === this.#channel) ?? []);

	constructor(store: Store, id: MachineId, options: { readonly brief?: boolean } = {}) {
		this.#store = store;
		this.id = id;
		this.#brief = options.brief ?? false;
	}

	get machine() {
		return this.#machine;
	}
	get channel() {
		return this.#channel;
	}
	get time() {
		return this.#time;
	}
	get waveform() {
		return this.#waveform;
	}
	get waterfall() {
		return this.#waterfall;
	}
	get trends() {
		return this.#trends;
	}
	get problem() {
		return this.#problem;
	}
	get loading() {
		return this.#loading;
	}

	/** Follows until the returned function is called. */
	follow(): () => void {
		const prefix = `${this.id}:~wave.`;
		const endHearing = live.on('readings', ({ batch }) => {
			if (batch.sensorIds.some((sensorId) => sensorId.startsWith(prefix))) void this.refresh();
		});
		const timer = setInterval(() => void this.refresh(), refreshMs);
		void this.refresh();
		return () => {
			this.#question = Infinity;
			endHearing();
			clearInterval(timer);
		};
	}

	choose(channel: string, time?: EpochMs): void {
		this.#channel = channel;
		this.#time = time;
		void this.refresh();
	}

	async refresh(): Promise<void> {
		if (this.#question === Infinity) return;
		const question = ++this.#question;
		const asked = () => question === this.#question;
		try {
			const report = fleet.get(this.id)?.report;
			const machine = await session.diagnosis.machine(this.id, report && $state.snapshot(report));
			if (!asked()) return;
			this.#machine = machine;
			this.#problem = undefined;
			if (!this.#brief) await this.#refreshChannel(asked);
		} catch (error) {
			if (asked()) this.#problem = toPlainError(error);
		}
		if (asked()) this.#loading = false;
	}

	async #refreshChannel(asked: () => boolean): Promise<void> {
		if (!this.#channel || !this.channels.includes(this.#channel)) this.#channel = this.channels[0];
		const channel = this.#channel;
		if (!channel) {
			this.#waveform = undefined;
			return;
		}
		const [waveform, waterfall, slices] = await Promise.all([
			session.diagnosis.waveform(this.id, channel, this.#time),
			session.diagnosis.waterfall(this.id, channel, waterfallRows),
			this.#store.series.query({
				sensorIds: trendFeatures.map((feature) => sensorIdOf(this.id, waveformSeriesName(channel, feature))),
				from: this.entries[0]?.time ?? 0,
				to: (this.entries.at(-1)?.time ?? 0) + 1
			})
		]);
		if (!asked()) return;
		this.#waveform = waveform;
		this.#waterfall = waterfall;
		this.#trends = new Map(
			slices
				.filter(({ times }) => times.length > 0)
				.map((slice) => [
					trendFeatures.find(
						(feature) => waveformSeriesName(channel, feature) === splitSensorId(slice.sensorId).sensorName
					)!,
					slice
				])
		);
	}

	/** Keeps what a person declares; wins over what the source declares. Rejects with the first thing that is not valid. */
	async declare(declaration: MachineDeclaration): Promise<void> {
		const parsed = v.safeParse(MachineDeclarationSchema, declaration);
		if (!parsed.success) {
			const [issue] = parsed.issues;
			throw new MillwrightError('invalid-input', `${v.getDotPath(issue) ?? 'The entry'}: ${issue.message}`);
		}
		await this.#store.settings.set(declarationKey(this.id), parsed.output);
		await this.refresh();
	}

	async label(condition: string | undefined): Promise<void> {
		const entry = this.#waveform?.entry;
		if (!entry) return;
		await this.#store.waveforms.setCondition(this.id, entry.channel, entry.time, condition);
		await this.refresh();
	}

	async importCsv(file: File, about: { sampleRateHz?: number; unit?: string; shaftRpm?: number }) {
		const result = await session.diagnosis.importCsv(file, { machineId: this.id, time: file.lastModified, ...about });
		this.choose(result.channels[0]!);
		return result;
	}

	learn() {
		return session.diagnosis.learn();
	}
}
