/**
 * Diagnosis worker: looks for anomalies in what was recorded of a machine, channel by channel.
 *
 * In: the store, a machine, a span, what channels are held against (their own past, or the machine's model). Out: what stands out, the farthest out first, the channels that did so at one time together. Between channels
 * others may speak (cancel).
 */
import {
	MillwrightError,
	Quality,
	type EpochMs,
	type MachineId,
	type ModelPackage,
	type RecordingFinding,
	type RecordingMoment,
	type RecordingSearchRequest,
	type RecordingSearchResult,
	type SearchBasis,
	type SearchProgress,
	type SeriesSlice
} from '../../contracts';
import { extent, findAgainstBefore, findAgainstBeginning } from '../../detection/recordings/search-channel';
import type { Store } from '../../storage/store';
import { measuredSensors } from '../measured-sensors';
import { mostOfChannel, searchWithModel } from './search-with-model';

/** More values of a channel than this are looked at as means of minutes or hours. */
const mostValues = 100_000;
const leastValues = 200;
/** Of the span. Where the beginning is not taken for healthy, it is only learnt from. */
const healthyShare = 0.25;
const silentShare = 0.15;

export interface SearchJob {
	readonly signal: AbortSignal;
	readonly onProgress: (progress: SearchProgress) => void;
	/** The model of a machine; undefined: it has none. */
	readonly modelOf: (machineId: MachineId) => Promise<ModelPackage | undefined>;
}

/** Throws `aborted` when cancelled, `invalid-input` for an empty span, `not-enough-data` when no channel has enough values, `not-found` when there is no model to ask. */
export async function searchRecording(
	store: Store,
	request: RecordingSearchRequest,
	job: SearchJob
): Promise<RecordingSearchResult> {
	const { machineId, from, to, basis } = request;
	const { signal, onProgress, modelOf } = job;
	if (!(to > from)) throw new MillwrightError('invalid-input', 'The span is empty: its end is not after its start');
	if (basis === 'model') {
		const model = await modelOf(machineId);
		if (!model)
			throw new MillwrightError(
				'not-found',
				'This machine has no model: train one for it, or hold its sensors against what they did before'
			);
		const { findings, ...looked } = await searchWithModel(store, model, request, job);
		return { basis, moments: joinMoments(findings), ...looked };
	}
	const sensors = await measuredSensors(store, machineId);
	const findings: RecordingFinding[] = [];
	const leftOut: string[] = [];
	let values = 0;
	let tier: RecordingSearchResult['tier'] = 'raw';
	for (const [done, { id, name }] of sensors.entries()) {
		onProgress({ sensorName: name, done, total: sensors.length });
		await new Promise((resolve) => setTimeout(resolve));
		if (signal.aborted) throw new MillwrightError('aborted', 'The search was cancelled');
		const [slice] = await store.series.query({ sensorIds: [id], from, to, maxPoints: mostValues });
		const known = slice ? knownOf(slice) : [];
		if (!slice || known.length < leastValues) {
			leftOut.push(name);
			continue;
		}
		values += known.length;
		tier = slice.tier;
		findings.push(...findingsOf(name, slice, known, basis));
	}
	if (leftOut.length === sensors.length)
		throw new MillwrightError(
			'not-enough-data',
			`No channel has ${leastValues} values in this span: choose a longer one`
		);
	return { basis, moments: joinMoments(findings), searched: sensors.length - leftOut.length, leftOut, values, tier };
}

/** Stretches a minute apart are of one moment: a stop reaches one sensor after the other. */
const momentGapMs = 60_000;

/** Each finding belongs to the farthest one that it overlaps or all but touches: no chain of neighbours makes one moment of a whole day. */
function joinMoments(findings: readonly RecordingFinding[]): RecordingMoment[] {
	const moments: { start: EpochMs; end: EpochMs; findings: [RecordingFinding, ...RecordingFinding[]] }[] = [];
	for (const finding of [...findings].sort((a, b) => b.beyond - a.beyond)) {
		const { start, end, sensorName } = finding;
		const moment = moments.find(
			({ findings: [first] }) => start <= first.end + momentGapMs && end >= first.start - momentGapMs
		);
		if (!moment) {
			moments.push({ start, end, findings: [finding] });
			continue;
		}
		moment.start = Math.min(moment.start, start);
		moment.end = Math.max(moment.end, end);
		if (!moment.findings.some((other) => other.sensorName === sensorName)) moment.findings.push(finding);
	}
	return moments;
}

/** Indices of the values that are numbers and not known to be bad. */
function knownOf({ mean, qualities }: SeriesSlice): number[] {
	const known: number[] = [];
	for (let i = 0; i < mean.length; i++) if (Number.isFinite(mean[i]!) && qualities[i] !== Quality.bad) known.push(i);
	return known;
}

function findingsOf(
	sensorName: string,
	{ times, mean }: SeriesSlice,
	known: readonly number[],
	basis: Exclude<SearchBasis, 'model'>
): RecordingFinding[] {
	const values = known.map((i) => mean[i]!);
	const normal = Math.floor(values.length * healthyShare);
	const found =
		basis === 'beginning'
			? findAgainstBeginning(values, normal)
			: findAgainstBefore(values, Math.floor(values.length * silentShare));
	return found
		.sort((a, b) => b.beyond - a.beyond)
		.slice(0, mostOfChannel)
		.map(({ from, to, beyond }) => {
			const [lowest, highest] = extent(values.slice(0, basis === 'beginning' ? normal : from));
			const middle = (lowest + highest) / 2;
			const value = values
				.slice(from, to + 1)
				.reduce((far, one) => (Math.abs(one - middle) > Math.abs(far - middle) ? one : far), middle);
			const [start, end] = [times[known[from]!]!, times[known[to]!]!];
			return { sensorName, start, end, beyond, value, lowest, highest };
		});
}
