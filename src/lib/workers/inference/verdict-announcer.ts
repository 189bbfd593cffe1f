/**
 * Inference: what every tab hears of the verdicts.
 *
 * In: machines whose report has changed. Out: their latest reports and new prognoses on the live channel, in groups, a few times a second.
 */
import type { EpochMs, HealthReport, LiveMessage, Prognosis } from '../../contracts';
import type { MachineEntry } from './machine-entry';

const postEveryMs = 50;
/** Prognoses are said again so often, for tabs that came later. */
const prognosesEveryMs = 20_000;

export class VerdictAnnouncer {
	private readonly touched = new Set<MachineEntry>();
	private timer: ReturnType<typeof setTimeout> | undefined;
	private postedAt = 0;
	private prognosesAt = 0;

	constructor(
		private readonly post: (message: LiveMessage) => void,
		private readonly now: () => EpochMs
	) {}

	/** Posts the machines' latest reports now, or with the next group if one has just gone out. */
	soon(entries: Iterable<MachineEntry>): void {
		for (const entry of entries) this.touched.add(entry);
		if (this.timer !== undefined || this.touched.size === 0) return;
		const wait = this.postedAt + postEveryMs - this.now();
		if (wait <= 0) this.postTouched();
		else this.timer = setTimeout(() => this.postTouched(), wait);
	}

	/** Posts the latest report of every machine again. */
	all(entries: Iterable<MachineEntry>): void {
		const reports = [...entries].flatMap(({ report }) => (report ? [report] : []));
		if (reports.length > 0) this.post({ kind: 'verdicts', reports });
	}

	/** Now and then every prognosis is due again. */
	renewPrognoses(entries: Iterable<MachineEntry>): void {
		const now = this.now();
		if (now - this.prognosesAt < prognosesEveryMs) return;
		this.prognosesAt = now;
		for (const entry of entries) entry.prognosisDue = entry.prognosis !== undefined;
	}

	stop(): void {
		clearTimeout(this.timer);
	}

	private postTouched(): void {
		clearTimeout(this.timer);
		this.timer = undefined;
		this.postedAt = this.now();
		const reports: HealthReport[] = [];
		const prognoses: Prognosis[] = [];
		for (const entry of this.touched) {
			if (entry.report) reports.push(entry.report);
			if (entry.prognosis && entry.prognosisDue) prognoses.push(entry.prognosis);
			entry.prognosisDue = false;
		}
		this.touched.clear();
		if (reports.length > 0) this.post({ kind: 'verdicts', reports, ...(prognoses.length > 0 && { prognoses }) });
	}
}
