/**
 * Diagnosis worker, the session: reads what is stored of a machine and says what it means.
 *
 * In: machine, channel, time. Out: spectra with named frequencies, gradings, hypotheses (contracts/diagnosis.ts). Reads at the call, holds
 * nothing but the zone of each channel, which has hysteresis, and the fault classifier.
 */
import * as v from 'valibot';
import {
	declarationKey,
	MachineDeclarationSchema,
	MillwrightError,
	type FaultClassifierModel,
	type HealthReport,
	type MachineDeclaration,
	type MachineDiagnosis,
	type MachineId,
	type MachineRecord,
	type ModelPackage,
	type RecordingSearchRequest,
	type SearchProgress,
	type VibrationZone,
	type WaterfallView,
	type Waveform,
	type WaveformDiagnosis,
	type WorkspaceName
} from '../../contracts';
import { classifyFault, gradeVibration, rankHypotheses, trainFaultClassifier } from '../../health';
import {
	amplitudesOf,
	amplitudeSpectrum,
	envelopeBand,
	extractFeatures,
	featureIds,
	momentsOf,
	readSpectra,
	thinSpectrum
} from '../../manipulation';
import { openStore, type Store } from '../../storage';
import type { DiagnosisApi, WaveformImport } from '../diagnosis.api';
import { withTransfer } from '../expose';
import { baseAddress, ModelSource } from '../model-source';
import { readWaveformCsv } from './csv-waveforms';
import { sensorLevels, waveformLevel } from './levels';
import { searchRecording } from './search-recording';

const classifierKey = 'fault-classifier';
/** Lines that a chart draws; more would fall on the same pixels. */
const chartLines = 1_600;
const waterfallLines = 400;
/** Shaft, gear and bearing lines lie below; above is what the envelope looks at. */
const waterfallShare = 0.25;

export class DiagnosisSession implements DiagnosisApi {
	#store: Store | undefined;
	readonly #zones = new Map<string, VibrationZone>();
	readonly #searches = new Map<string, AbortController>();
	#models: ModelSource | undefined;

	/** `scriptAddress`: of the worker, from which shipped models are found. */
	constructor(private readonly scriptAddress: string) {}

	async start(workspace: WorkspaceName): Promise<void> {
		if (this.#store?.workspace === workspace) return;
		this.#store?.close();
		this.#zones.clear();
		this.#store = await openStore(workspace, { autoSeal: false });
		this.#models = new ModelSource(this.#store.models, baseAddress(this.scriptAddress));
	}

	async machine(machineId: MachineId, report: HealthReport | undefined): Promise<MachineDiagnosis> {
		const store = this.#opened();
		const { record, declaration, declaredBy } = await this.#declared(machineId);
		const sensors = await store.registry.sensors(machineId);
		const [latest, waveforms] = await Promise.all([
			store.series.latest(sensors.filter(({ kind }) => kind === 'vibration').map(({ id }) => id)),
			store.waveforms.list(machineId)
		]);
		const newest: Waveform[] = [];
		for (const channel of new Set(waveforms.map((entry) => entry.channel))) {
			const waveform = await store.waveforms.load(machineId, channel);
			if (waveform) newest.push(waveform);
		}
		const levels = [...sensorLevels(sensors, latest), ...newest.map(waveformLevel)];
		const gradings = levels.map((level) => {
			const key = `${machineId}:${level.channel}`;
			const grading = gradeVibration(level, declaration, this.#zones.get(key));
			if (grading.zone) this.#zones.set(key, grading.zone);
			return grading;
		});
		const readings = newest.map((waveform) => ({
			findings: readSpectra(waveform, declaration.geometry ?? {}, shaftOf(waveform, declaration).hz).findings,
			kurtosis: momentsOf(waveform.samples).kurtosis
		}));
		const hypotheses = rankHypotheses({
			machineClass: record?.machineClass,
			deviations: report?.unwellSince === undefined ? [] : report.contributors,
			findings: readings.flatMap(({ findings }) => findings),
			...(readings.length > 0 && { kurtosis: Math.max(...readings.map(({ kurtosis }) => kurtosis)) })
		});
		return { declaration, declaredBy, gradings, hypotheses, waveforms };
	}

	async waveform(machineId: MachineId, channel: string, time?: number): Promise<WaveformDiagnosis | undefined> {
		const store = this.#opened();
		const [waveform, { declaration }] = await Promise.all([
			store.waveforms.load(machineId, channel, time),
			this.#declared(machineId)
		]);
		if (!waveform) return undefined;
		const rate = waveform.sampleRateHz ?? 1;
		const shaft = shaftOf(waveform, declaration);
		const { spectrum, envelope, findings } = readSpectra(waveform, declaration.geometry ?? {}, shaft.hz);
		const moments = momentsOf(waveform.samples);
		const { rms, peak } = amplitudesOf(waveform.samples, moments.mean);
		const classifier = await store.settings.get<FaultClassifierModel>(classifierKey);
		// Of the envelope only the slow part matters: defects strike some hundred times a second.
		const views = {
			spectrum: thinSpectrum(spectrum, chartLines, rate / 2),
			envelope: thinSpectrum(envelope, chartLines, rate / 16)
		};
		const result: WaveformDiagnosis = {
			machineId,
			entry: {
				channel,
				time: waveform.time,
				sampleRateHz: waveform.sampleRateHz,
				unit: waveform.unit,
				shaftRpm: waveform.shaftRpm,
				samples: waveform.samples.length,
				condition: (waveform as { condition?: string }).condition
			},
			...views,
			envelopeBandHz: envelopeBand(rate),
			rateKnown: waveform.sampleRateHz !== undefined,
			...(shaft.hz !== undefined && { shaftHz: shaft.hz }),
			shaftFrom: shaft.from,
			findings,
			figures: { rms, peak, crestFactor: rms > 0 ? peak / rms : 0, kurtosis: moments.kurtosis },
			...(classifier && { classification: classifyFault(classifier, extractFeatures(waveform.samples)) })
		};
		return withTransfer(result, [views.spectrum.values.buffer, views.envelope.values.buffer]);
	}

	async waterfall(machineId: MachineId, channel: string, count: number): Promise<WaterfallView> {
		const store = this.#opened();
		const entries = (await store.waveforms.list(machineId)).filter((entry) => entry.channel === channel);
		const newest = entries.at(-1);
		// Only like can be stacked: the rate and length of the newest.
		const alike = entries.filter(
			({ sampleRateHz, samples }) => sampleRateHz === newest?.sampleRateHz && samples === newest?.samples
		);
		const step = Math.max(1, Math.ceil(alike.length / count));
		const chosen = alike.filter((_, i) => (alike.length - 1 - i) % step === 0);
		const rows: Float32Array[] = [];
		let stepHz = 0;
		for (const { time } of chosen) {
			const waveform = await store.waveforms.load(machineId, channel, time);
			if (!waveform) continue;
			const rate = waveform.sampleRateHz ?? 1;
			const thin = thinSpectrum(amplitudeSpectrum(waveform.samples, rate), waterfallLines, rate * waterfallShare);
			stepHz = thin.stepHz;
			rows.push(thin.values);
		}
		const lines = rows[0]?.length ?? 0;
		const values = new Float32Array(rows.length * lines);
		rows.forEach((row, i) => values.set(row, i * lines));
		const result: WaterfallView = { times: chosen.map(({ time }) => time), stepHz, lines, values };
		return withTransfer(result, [values.buffer]);
	}

	async importCsv(file: Blob, about: WaveformImport): Promise<{ channels: readonly string[]; samples: number }> {
		const store = this.#opened();
		const { channels, columns } = readWaveformCsv(await file.text());
		const { machineId, time, sampleRateHz, unit, shaftRpm } = about;
		await store.waveforms.put(
			channels.map((channel, c) => ({
				machineId,
				channel,
				time,
				samples: columns[c]!,
				...(sampleRateHz !== undefined && { sampleRateHz }),
				...(unit !== undefined && { unit }),
				...(shaftRpm !== undefined && { shaftRpm })
			}))
		);
		return { channels, samples: columns[0]!.length };
	}

	async learn(): Promise<Pick<FaultClassifierModel, 'conditions' | 'samples' | 'groups' | 'heldOutAccuracy'>> {
		const store = this.#opened();
		const labelled = await store.waveforms.withCondition();
		const model = trainFaultClassifier({
			featureIds,
			rows: labelled.map(({ samples }) => extractFeatures(samples)),
			conditions: labelled.map(({ condition }) => condition),
			// What one machine's channel sent within a day is alike: held out together.
			groups: labelled.map(({ machineId, channel, time }) => `${machineId}:${channel}:${Math.floor(time / 86_400_000)}`)
		});
		await store.settings.set(classifierKey, model);
		const { conditions, samples, groups, heldOutAccuracy } = model;
		return { conditions, samples, groups, heldOutAccuracy };
	}

	async searchRecording(
		jobId: string,
		request: RecordingSearchRequest,
		onProgress: (progress: SearchProgress) => void
	) {
		const job = new AbortController();
		this.#searches.set(jobId, job);
		try {
			return await searchRecording(this.#opened(), request, {
				signal: job.signal,
				onProgress,
				modelOf: (machineId) => this.#modelOf(machineId)
			});
		} finally {
			this.#searches.delete(jobId);
		}
	}

	async cancelSearch(jobId: string): Promise<void> {
		this.#searches.get(jobId)?.abort();
	}

	async #declared(machineId: MachineId): Promise<{
		record: MachineRecord | undefined;
		declaration: MachineDeclaration;
		declaredBy: MachineDiagnosis['declaredBy'];
	}> {
		const store = this.#opened();
		const record = await store.registry.machine(machineId);
		const parsed = v.safeParse(MachineDeclarationSchema, (await store.settings.get(declarationKey(machineId))) ?? {});
		const own = parsed.success ? parsed.output : {};
		const said = record?.declared ?? {};
		const [bySource, byPerson] = [Object.keys(said).length > 0, Object.keys(own).length > 0];
		return {
			record,
			declaration: { ...said, ...own, geometry: { ...said.geometry, ...own.geometry } },
			declaredBy: bySource && byPerson ? 'both' : bySource ? 'source' : byPerson ? 'person' : 'nobody'
		};
	}

	async #modelOf(machineId: MachineId): Promise<ModelPackage | undefined> {
		const store = this.#opened();
		const machine = await store.registry.machine(machineId);
		return machine && this.#models?.versionFor(machine, await store.models.assignment(machineId));
	}

	#opened(): Store {
		if (!this.#store) throw new MillwrightError('internal', 'No workspace is open for diagnosis');
		return this.#store;
	}
}

function shaftOf(waveform: Waveform, { geometry }: MachineDeclaration): { hz?: number; from: string } {
	if (waveform.shaftRpm !== undefined)
		return { hz: waveform.shaftRpm / 60, from: `${Math.round(waveform.shaftRpm)} rpm, sent with the waveform` };
	if (geometry?.shaftRpm !== undefined)
		return { hz: geometry.shaftRpm / 60, from: `${Math.round(geometry.shaftRpm)} rpm, as entered` };
	return { from: 'The shaft speed is unknown: enter it, or send `rpm` with the waveforms' };
}
