/** Inference: what the service knows of one machine while it scores. */
import type { EpochMs, HealthReport, LevelLearning, MachineRecord, Prognosis, SensorRecord } from '../../contracts';
import type { Resampler } from '../../manipulation';
import type { MachinePipeline } from '../../pipeline';

export interface LiveReading {
	readonly sensorName: string;
	readonly time: EpochMs;
	readonly value: number;
	readonly quality: number;
}

export interface MachineEntry {
	record: MachineRecord;
	sensors: readonly SensorRecord[];
	/** waiting: its model and history are still to be read; live: readings are scored as they come. */
	phase: 'waiting' | 'catching-up' | 'live';
	/** Undefined: neither a model nor a watch on its levels. */
	scoring?: { readonly versionId: string; readonly pipeline: MachinePipeline; readonly resampler: Resampler };
	/** Readings heard while catching up. */
	buffered: LiveReading[];
	report?: HealthReport;
	prognosis?: Prognosis;
	/** It has changed since it was posted. */
	prognosisDue?: boolean;
	/** The prognosis that alarms were last advised on. */
	advisedOn?: Prognosis;
	/** Why it is not scored, for a person. */
	problem?: string;
	/** When the last attempt to use its model failed; it is tried again later. */
	failedAt?: EpochMs;
	/** Newest source time, and when it was heard. */
	lastTime?: EpochMs;
	heardAt?: EpochMs;
	/** Id of the open stale alarm. */
	staleAlarm?: string;
	/** Time of the newest scored row. */
	scoredTo?: EpochMs;
}

/** A report that says why there is no verdict. */
export function reportWithout(
	entry: MachineEntry,
	unscored: NonNullable<HealthReport['unscored']>,
	now: EpochMs,
	learning?: LevelLearning
): HealthReport {
	return {
		machineId: entry.record.id,
		time: entry.lastTime ?? now,
		index: Number.NaN,
		grade: 'unknown',
		score: Number.NaN,
		anomalous: false,
		unwellSince: entry.scoring?.pipeline.openSpan?.start,
		mode: 'unknown',
		contributors: [],
		unscored,
		modelId: entry.scoring?.versionId,
		...(learning && { learning })
	};
}
