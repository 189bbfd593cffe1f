/** Inference: what the parts of scoring share. One set of them per workspace that is scored. */
import type { EpochMs, MachineId } from '../../contracts';
import type { Verdict } from '../../pipeline';
import type { Store } from '../../storage/store';
import type { AdaptationKeeper } from './adaptation-keeper';
import type { CourseKeeper } from './course-keeper';
import type { DriftKeeper } from './drift-keeper';
import type { LevelKeeper } from './level-keeper';
import type { MachineEntry } from './machine-entry';
import type { MachineRoster } from './machine-roster';
import type { ModelSource } from '../model-source';
import type { Networks } from './networks';
import type { VerdictWriter } from './verdict-writer';

export interface ScoringParts {
	readonly store: Store;
	readonly models: ModelSource;
	readonly now: () => EpochMs;
	readonly roster: MachineRoster;
	readonly networks: Networks;
	readonly writer: VerdictWriter;
	readonly adaptations: AdaptationKeeper;
	readonly drift: DriftKeeper;
	readonly courses: CourseKeeper;
	readonly levels: LevelKeeper;
	/** Writes what is pending; never rejects. */
	readonly write: () => Promise<void>;
	/** Takes the machine's model away: closes its span, gives its lane back. */
	readonly detach: (entry: MachineEntry) => void;
	readonly isStopped: () => boolean;
	readonly assignmentOf: (machineId: MachineId) => string | undefined;
}

export function takeVerdict(entry: MachineEntry, { report, prognosis }: Verdict): void {
	entry.report = report;
	if (entry.prognosis === prognosis) return;
	entry.prognosis = prognosis;
	entry.prognosisDue = true;
}

/** Lets messages that came meanwhile be heard. */
export function breathe(): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, 0));
}
