/**
 * The link to the source and what the intake made of it: always shown, so that "connected but no data" explains itself.
 */
import type { EpochMs } from './reading';
import type { MqttVersionName } from './source';

export type LinkState = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'failed' | 'stopped';

/** Why a link does not bring data, each with its own words on screen. */
export type LinkTrouble =
	| 'broker-unreachable'
	| 'credentials-refused'
	| 'not-authorised'
	| 'protocol-refused'
	| 'needs-wss' // an https page may not open ws://
	| 'subscription-refused'
	| 'no-messages' // subscribed, nothing arrives: the filter is probably wrong
	| 'not-understood' // messages arrive, none decodes
	| 'storage-failing';

export interface LinkStatus {
	readonly state: LinkState;
	readonly source: 'none' | 'demo' | 'broker';
	/** Address without credentials. */
	readonly address?: string;
	readonly trouble?: LinkTrouble;
	/** What the broker or the browser said, verbatim. */
	readonly detail?: string;
	/** What the broker speaks: not what was chosen where it refused that. */
	readonly mqttVersion?: MqttVersionName;
	readonly connectedAt?: EpochMs;
	readonly lastMessageAt?: EpochMs;
	/** Time of the next attempt while reconnecting. */
	readonly retryAt?: EpochMs;
	/** The demo is still simulating its past: what is newest now is old. */
	readonly fillingHistory?: boolean;
	/** True in the tab (and worker) that owns the socket. */
	readonly owner: boolean;
}

/** Every way a message or a value can be refused or altered: each is counted and the last example kept. */
export const intakeReasons = [
	'invalid-utf8',
	'invalid-json',
	'payload-too-large',
	'no-machine-in-topic',
	'no-values',
	'not-a-number', // null, NaN, text that is no number
	'invalid-time',
	'time-in-future', // source clock ahead by more than allowed: receive time used
	'time-too-old', // source clock far behind: receive time used
	'duplicate', // same sensor, same time, same value: stored once
	'conflicting-duplicate', // same sensor and time, other value: the first is kept
	'out-of-order', // stored at its place; counted only
	'out-of-range', // stored with quality bad
	'unknown-field',
	'too-many-sensors',
	'retained', // a retained message: shown, not stored as new
	'overflow', // QoS 0 came faster than it could be stored: left out (QoS 1 waits at the broker instead)
	'sequence-gap', // Sparkplug: messages are missing or no birth was seen; a rebirth was asked for
	'ignored', // the mapping says to leave this topic, machine or sensor out
	'decoder-failed'
] as const;
export type IntakeReason = (typeof intakeReasons)[number];

export interface IntakeExample {
	readonly topic: string;
	/** First 500 characters, unprintable bytes as hex. */
	readonly payload: string;
	readonly at: EpochMs;
	/** What was wrong and where, e.g. "field 'flow': \"abc\" is not a number". */
	readonly message: string;
}

export interface IntakeCounters {
	readonly messages: number;
	readonly bytes: number;
	readonly readings: number;
	readonly stored: number;
	/** Messages received whose readings are not yet committed. */
	readonly pending: number;
	readonly byReason: Partial<Record<IntakeReason, { readonly count: number; readonly last?: IntakeExample }>>;
	readonly since: EpochMs;
	readonly messagesPerSecond: number;
}
