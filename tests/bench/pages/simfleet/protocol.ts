/** What the page of `npm run bench:simfleet` and its worker say to each other. */
import type { MachineClassId, ModelVersion } from '$lib/contracts';

export interface ClassTask {
	readonly machineClass: MachineClassId;
	readonly version: ModelVersion;
	readonly weights: ArrayBuffer;
	readonly seed: number;
	/** Fault modes, each on `faultMachines` machines for an hour. */
	readonly faults: readonly string[];
	readonly faultMachines: number;
	/** Healthy machines beside them for the same hour, whose windows count as negatives. */
	readonly healthyMachines: number;
	/** Healthy machines watched for long, for the rate of false alarms; every fourth loses its link now and then. */
	readonly longMachines: number;
	readonly longHours: number;
	/** Above 0: machines have no model; they are watched by their levels, and judged from so many hours of running on. */
	readonly levelsAfterHours: number;
	/** Above 0: every machine has a model of its own, trained on so many hours; the vote is judged, its members and the class model beside it. */
	readonly ownAfterHours: number;
	/** Of those trainings, at most. */
	readonly maxEpochs: number;
	/**
	 * Above 0: thresholds of the long-watched machines follow their normal running towards so many false alarms a week, as in the product; an
	 * anomaly counts as judged false once it is over.
	 */
	readonly chosenPerWeek: number;
	/** Machines of which a sensor drifts for hours, and as many healthy ones, for the drift monitor. */
	readonly driftMachines: number;
}

/** What the drift monitor said of one machine. */
export interface DriftOutcome {
	/** Blocks of healthy running, and those with a finding. */
	readonly blocks: number;
	readonly blocksWithFinding: number;
	readonly drifts: boolean;
	/** From when its drift can be told to the finding; undefined: none. */
	readonly delayMinutes?: number;
}

/** Windows of a minute: columns of one length. */
export interface Windows {
	readonly labels: readonly (0 | 1)[];
	readonly flagged: readonly (0 | 1)[];
	readonly scores: readonly number[];
	/** Of the floor: largest |mean of the window| in deviations of the training data. */
	readonly sigmas: readonly number[];
	readonly unscored: number;
}

export interface FaultOutcome {
	readonly fault: string;
	readonly runs: number;
	/** Seconds from detectable to the alarm, of those found before the event; negative: found earlier. */
	readonly delays: readonly number[];
	/** Of the runs found: the affected sensor among the first two by residual share, and by integrated gradients. */
	readonly topTwoShare: number;
	readonly topTwoGradients: number;
	readonly completenessErrors: readonly number[];
}

/** Of a detector that judged the same rows. */
export interface BesideOutcome {
	readonly windows: Windows;
	readonly falseAlarms: number;
	readonly faultsFound: number;
}

export interface ClassOutcome {
	readonly windows: Windows;
	/** With `ownAfterHours`: the vote's members and the class model, by name. */
	readonly beside: Readonly<Record<string, BesideOutcome>>;
	/** Of machines that were trained, together; machines that hardly ran meanwhile are left out. */
	readonly trained: number;
	readonly trainSeconds: number;
	readonly faults: readonly FaultOutcome[];
	readonly watchedHours: number;
	readonly falseAlarms: number;
	/** Anomalies of healthy machines that were watched for long, alarms or not. */
	readonly falseFindings: number;
	readonly falseAlarmsSigma: number;
	readonly falseReasons: readonly string[];
	readonly newModeHours: number;
	/** Threshold of each long-watched machine at the end, over the calibrated one. */
	readonly factors: readonly number[];
	readonly drifts: readonly DriftOutcome[];
	readonly rows: number;
	readonly seconds: number;
	readonly backend: string;
}
