/**
 * Command line: publishes a recording as if it were happening.
 *
 * In: a layout, an open link, speed. Out: one JSON object per row, in order, paced by the rows' own times; settles when the
 * broker has acknowledged every one.
 */
import { readRecording, type RecordingLayout } from './csv-recording';
import type { MqttLink } from './mqtt-link';

/** none: the recording's own times. now: stamped with the moment of sending. end: shifted so that the last row is now. */
export type Rebase = 'none' | 'now' | 'end';

export interface ReplayOptions {
	readonly topic: string;
	/** Times as fast as recorded; Infinity: as fast as the broker acknowledges. */
	readonly speed: number;
	readonly qos: 0 | 1;
	readonly rebase: Rebase;
	/** Rows at most. */
	readonly limit?: number;
	readonly signal?: AbortSignal;
	/** Called after each row that was handed to the broker. */
	readonly onRow?: (counts: ReplayCounts) => void;
}

export interface ReplayCounts {
	/** Rows read from the file. */
	readonly rows: number;
	readonly published: number;
	readonly acknowledged: number;
	/** Rows left out because their time cannot be read, or they hold no number. */
	readonly withoutTime: number;
	readonly withoutValues: number;
	/** Cells that are no number, in rows that were published. */
	readonly missingCells: number;
	/** Rows whose time is before that of the row above: published at once. */
	readonly backwards: number;
	/** First row that was left out, in words. */
	readonly firstProblem?: string;
}

/** Unacknowledged messages allowed at a time. */
const WINDOW = 200;

/** @throws MillwrightError `invalid-file` when the file breaks off; whatever the link throws. Aborting ends early, without error. */
export async function replayRecording(
	layout: RecordingLayout,
	link: MqttLink,
	options: ReplayOptions
): Promise<ReplayCounts> {
	const { topic, speed, qos, rebase, limit = Infinity, signal } = options;
	const counts = {
		rows: 0,
		published: 0,
		acknowledged: 0,
		withoutTime: 0,
		withoutValues: 0,
		missingCells: 0,
		backwards: 0
	};
	let firstProblem: string | undefined;
	let failure: unknown;
	const waiting = new Set<Promise<void>>();
	const shift = rebase === 'end' ? Date.now() - (await lastTime(layout, limit)) : 0;
	const startedAt = Date.now();
	const start = performance.now();
	let firstTime: number | undefined;
	let previous = -Infinity;
	const abort = aborted(signal);

	for await (const row of readRecording(layout)) {
		if (signal?.aborted || counts.rows >= limit) break;
		counts.rows++;
		if (row.time === undefined) {
			counts.withoutTime++;
			firstProblem ??= `row ${row.line}: "${row.timeText}" in column "${layout.timeColumn}" is no time`;
			continue;
		}
		if (Object.keys(row.values).length === 0) {
			counts.withoutValues++;
			firstProblem ??= `row ${row.line}: no number in it`;
			continue;
		}
		counts.missingCells += row.missing;
		if (row.time < previous) counts.backwards++;
		previous = row.time;
		firstTime ??= row.time;
		const dueMs = speed === Infinity ? 0 : (row.time - firstTime) / speed;
		await pause(start + dueMs - performance.now(), signal);
		while (waiting.size >= WINDOW && !signal?.aborted) await Promise.race([...waiting, abort]);
		if (signal?.aborted) break;
		if (failure) throw failure;
		const ts = rebase === 'now' ? Math.round(startedAt + dueMs) : row.time + shift;
		const sent = link.publish(topic, JSON.stringify({ ts, ...row.values }), { qos }).then(
			() => void counts.acknowledged++,
			(error: unknown) => void (failure ??= error)
		);
		waiting.add(sent);
		void sent.then(() => waiting.delete(sent));
		counts.published++;
		options.onRow?.(counts);
	}
	await Promise.race([Promise.all(waiting), abort]);
	if (failure && !signal?.aborted) throw failure;
	return { ...counts, firstProblem };
}

async function lastTime(layout: RecordingLayout, limit: number): Promise<number> {
	let last = -Infinity;
	let rows = 0;
	for await (const row of readRecording(layout)) {
		if (rows++ >= limit) break;
		if (row.time !== undefined && row.time > last) last = row.time;
	}
	return last;
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
	// a wait shorter than the timer's grain costs more than it paces
	if (ms < 2 || signal?.aborted) return Promise.resolve();
	return new Promise((resolve) => {
		const done = () => {
			clearTimeout(timer);
			signal?.removeEventListener('abort', done);
			resolve();
		};
		const timer = setTimeout(done, ms);
		signal?.addEventListener('abort', done, { once: true });
	});
}

function aborted(signal?: AbortSignal): Promise<void> {
	if (!signal) return new Promise(() => undefined);
	if (signal.aborted) return Promise.resolve();
	return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
