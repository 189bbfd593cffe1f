/**
 * What is kept of Sparkplug's edge nodes, so that what they send by alias is understood after a reload too: what they said at their births, and
 * how far their messages were counted.
 */
import type { EpochMs } from './reading';

/** A metric as a birth introduced it. */
export interface BornMetric {
	/** Empty: of the edge node itself. */
	readonly device: string;
	readonly name: string;
	/** Unique within the edge node and its devices (specification 6.4.4). */
	readonly alias?: number;
	/** Sparkplug's number of the data type (specification 6.4.16). */
	readonly type: number;
	readonly unit?: string;
}

/** All that an edge node and its devices said at their last births. */
export interface EdgeNodeBirth {
	/** `<group>/<edge node>`. */
	readonly node: string;
	readonly bdSeq?: number;
	readonly metrics: readonly BornMetric[];
}

/** How far an edge node's messages were counted. */
export interface EdgeNodeCount {
	readonly node: string;
	/** `seq` that its next message has if nothing is missed. */
	readonly nextSeq: number;
	/** Arrival of the last message. */
	readonly seenAt: EpochMs;
	/** Messages that came since `since`: how often it sends. */
	readonly messages: number;
	readonly since: EpochMs;
}

export interface KeptEdgeNode {
	readonly birth: EdgeNodeBirth;
	/** Absent where it was not counted since. */
	readonly count?: EdgeNodeCount;
}

/** What has changed since it was kept last. */
export interface EdgeNodeChanges {
	readonly births: readonly EdgeNodeBirth[];
	readonly counts: readonly EdgeNodeCount[];
	/** Nodes that died. */
	readonly gone: readonly string[];
}
