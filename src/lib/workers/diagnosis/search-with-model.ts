/**
 * Diagnosis worker: looks in what was recorded of a machine for what its model did not expect.
 *
 * In: the store, a machine, a span, the machine's model. Out: findings by sensor, and what was looked at. Between pieces of the span others may speak
 * (cancel).
 */
import {
	MillwrightError,
	type ModelPackage,
	type RecordingFinding,
	type RecordingSearchRequest,
	type RecordingSearchResult
} from '../../contracts';
import { leastSearchedRows, ModelSearch } from '../../detection/recordings/search-with-model';
import { Resampler } from '../../manipulation';
import type { Store } from '../../storage/store';
import { readRowsOf } from '../read-rows';
import type { SearchJob } from './search-recording';

const pieceRows = 3_600;
/** A week of a machine that is read every second. */
export const mostRows = 700_000;
/** Findings of each channel, the farthest; a channel that goes somewhere new all the time says so by its first few. */
export const mostOfChannel = 10;

export type SearchedWithModel = Omit<RecordingSearchResult, 'moments' | 'basis'> & {
	readonly findings: readonly RecordingFinding[];
};

/** Throws `aborted` when cancelled, `invalid-input` for a span that is too long, `not-enough-data` when the model could expect too little. */
export async function searchWithModel(
	store: Store,
	pkg: ModelPackage,
	{ machineId, from, to }: RecordingSearchRequest,
	{ signal, onProgress }: SearchJob
): Promise<SearchedWithModel> {
	const { stepMs, scaler } = pkg.version;
	if ((to - from) / stepMs > mostRows)
		throw new MillwrightError(
			'invalid-input',
			`This span has more than ${mostRows} rows at the model's pace: choose a shorter one`
		);
	const search = new ModelSearch(pkg);
	const resampler = new Resampler({ sensorNames: scaler.sensorNames, stepMs, phase: undefined });
	const pieceMs = pieceRows * stepMs;
	const pieces = Math.ceil((to - from) / pieceMs);
	for (let piece = 0; piece < pieces; piece++) {
		onProgress({ done: piece, total: pieces });
		await new Promise((resolve) => setTimeout(resolve));
		if (signal.aborted) throw new MillwrightError('aborted', 'The search was cancelled');
		const begin = from + piece * pieceMs;
		search.take(await readRowsOf(store, machineId, resampler, begin, Math.min(to, begin + pieceMs - 1)));
	}
	const findings: RecordingFinding[] = [];
	const leftOut: string[] = [];
	let values = 0;
	scaler.sensorNames.forEach((sensorName, i) => {
		const { judged, findings: found } = search.search(i);
		if (judged < leastSearchedRows) {
			leftOut.push(sensorName);
			return;
		}
		values += judged;
		const farthest = [...found].sort((a, b) => b.beyond - a.beyond).slice(0, mostOfChannel);
		for (const { from: first, to: last, beyond, value, expected, band } of farthest)
			findings.push({
				sensorName,
				...{ start: search.times[first]!, end: search.times[last]! },
				...{ beyond, value, lowest: expected - band, highest: expected + band }
			});
	});
	const searched = scaler.sensorNames.length - leftOut.length;
	if (searched === 0)
		throw new MillwrightError(
			'not-enough-data',
			`The model has fewer than ${leastSearchedRows} rows of settled running to hold against in this span: choose a longer one`
		);
	return { findings, searched, leftOut, values, tier: 'raw' };
}
