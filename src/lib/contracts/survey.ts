/**
 * What was heard while listening on a topic filter, before anything is stored: topics in groups, and the machines and sensors that
 * would come of them. A proposal for a person to correct; what they accept becomes a `SourceMapping`.
 */
import type { AssetPath, MachineId } from './identity';
import type { IntakeExample, IntakeReason, LinkStatus } from './link';
import type { MachineClassId, SensorKind } from './machine';
import type { EpochMs, Quality } from './reading';
import type { TopicLevelRole } from './source';

/** How long one listening takes unless it is stopped. */
export const LISTEN_MS = 30_000;

export interface TopicGroup {
	/** Takes the topics of the group and those like them that come later. */
	readonly filter: string;
	/** Payload convention, for a person: "JSON", "Sparkplug B", "JSON in CBOR". */
	readonly dialect: string;
	readonly topics: number;
	readonly messages: number;
	/** A few topics. */
	readonly examples: readonly string[];
	/** One entry per topic level; undefined where the convention fixes what levels mean, or topics of two kinds share the filter. */
	readonly levels?: readonly {
		readonly role: TopicLevelRole;
		/** A few of its values. */
		readonly values: readonly string[];
		readonly distinct: number;
	}[];
	/** The levels are what is recognised without a rule. */
	readonly recognised: boolean;
}

export interface SurveyMachine {
	/** Id as decoders give it. */
	readonly source: MachineId;
	readonly path: AssetPath;
	/** Filter of its topic group. */
	readonly filter: string;
	readonly machineClass?: MachineClassId;
	/** Why the source says that it is not there. */
	readonly offline?: string;
}

export interface SurveySensor {
	readonly machine: MachineId;
	/** Name as decoders give it. */
	readonly sensor: string;
	readonly filter: string;
	readonly topic: string;
	/** Under which it is stored already. */
	readonly name?: string;
	/** As the source states it. */
	readonly unit?: string;
	readonly kind: SensorKind;
	readonly range?: readonly [min: number, max: number];
	/** Undefined: it was described, but no value came. */
	readonly last?: {
		readonly value: number;
		readonly time: EpochMs;
		readonly quality: Quality;
		readonly retained: boolean;
	};
	readonly min: number;
	readonly max: number;
	readonly values: number;
}

export interface SourceSurvey {
	readonly link: LinkStatus;
	readonly listenedMs: number;
	readonly messages: number;
	readonly topics: number;
	/** Messages on topics beyond what one survey holds. */
	readonly beyond: number;
	readonly groups: readonly TopicGroup[];
	readonly machines: readonly SurveyMachine[];
	readonly sensors: readonly SurveySensor[];
	readonly refused: readonly { readonly reason: IntakeReason; readonly count: number; readonly last: IntakeExample }[];
}

export interface ListeningProgress {
	readonly link: LinkStatus;
	readonly elapsedMs: number;
	readonly messages: number;
	readonly topics: number;
	readonly machines: number;
	readonly sensors: number;
	/** By convention, most messages first. */
	readonly dialects: readonly { readonly title: string; readonly messages: number }[];
}
