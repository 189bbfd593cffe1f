/**
 * Inference: machines from which nothing comes any more.
 *
 * In: how long each has been silent, and how the link is. Out: stale alarms and their return, and a report that says why there is no verdict.
 */
import { staleFloorMs, type EpochMs, type LinkStatus } from '../../contracts';
import { raiseStale } from '../../advisory';
import { reportWithout, type MachineEntry } from './machine-entry';
import type { VerdictWriter } from './verdict-writer';

/** A machine is stale after this many of its steps, and at least 30 s, without a reading. */
const staleSteps = 20;
const staleAtLeastMs = Math.max(30_000, staleFloorMs);

export class SilenceWatch {
	constructor(
		private readonly writer: VerdictWriter,
		private readonly startedAt: EpochMs
	) {}

	/** True when the machine's report has become another; alarm changes are left with the writer. */
	look(entry: MachineEntry, silence: number, stepMs: number, link: LinkStatus | undefined, now: EpochMs): boolean {
		const limit = Math.max(staleSteps * stepMs, staleAtLeastMs);
		if (silence <= limit) {
			if (entry.staleAlarm) {
				this.writer.addChange({ kind: 'return', id: entry.staleAlarm, at: now });
				entry.staleAlarm = undefined;
			}
			return false;
		}
		// Imported data ends; a link that is down is the link's own trouble, shown there.
		const expected = entry.record.origin !== 'import' && link?.state === 'connected' && now - this.startedAt > limit;
		if (!expected || entry.lastTime === undefined) return false;
		if (!entry.staleAlarm) {
			const change = raiseStale(entry.record.id, entry.lastTime, now);
			entry.staleAlarm = change.alarm.id;
			this.writer.addChange(change);
		}
		if (entry.report?.unscored === 'stale') return false;
		entry.report = reportWithout(entry, 'stale', now);
		return true;
	}
}
