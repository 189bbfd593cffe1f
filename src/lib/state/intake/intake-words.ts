/**
 * State, pure: what each intake reason means, for a person reading the counters on the Data screen or an import's result.
 */
import type { IntakeReason } from '$lib/contracts';

export interface IntakeWords {
	readonly title: string;
	/** What became of the value or message, and what to do if it should not be so. */
	readonly meaning: string;
	/** `lost`: nothing was stored; `altered`: stored, but not as sent; `noted`: stored as sent, or nothing new to store. */
	readonly outcome: 'lost' | 'altered' | 'noted';
}

export const intakeWords: Readonly<Record<IntakeReason, IntakeWords>> = {
	'invalid-utf8': {
		title: 'Not text',
		meaning: 'The message is not valid UTF-8 text, so it was left out. The topic may carry a binary format.',
		outcome: 'lost'
	},
	'invalid-json': {
		title: 'Broken JSON',
		meaning: 'The message looks like JSON but is cut off or malformed, so it was left out.',
		outcome: 'lost'
	},
	'payload-too-large': {
		title: 'Too large',
		meaning: 'The message is larger than a set of readings ever is, so it was left out.',
		outcome: 'lost'
	},
	'no-machine-in-topic': {
		title: 'No machine in the topic',
		meaning: 'The topic does not say which machine the message is about, so it was left out. Check the topic levels.',
		outcome: 'lost'
	},
	'no-values': {
		title: 'No numbers in it',
		meaning: 'The message was read, but held no measured value.',
		outcome: 'lost'
	},
	'not-a-number': {
		title: 'Not a number',
		meaning: 'A field was empty, NaN or text. That one value was left out; the rest of the message was kept.',
		outcome: 'lost'
	},
	'invalid-time': {
		title: 'Unreadable time',
		meaning: 'The time in the message could not be read, so the time of arrival was used.',
		outcome: 'altered'
	},
	'time-in-future': {
		title: 'Clock ahead',
		meaning:
			'The clock of the source is ahead of this device, so its times were set back, all by as much. Set the clock of the source.',
		outcome: 'altered'
	},
	'time-too-old': {
		title: 'Clock behind',
		meaning:
			'The time is far in the past. Where all of them are, it is a recording and they are kept; a single one, or that of a clock never set, was corrected.',
		outcome: 'altered'
	},
	duplicate: {
		title: 'Sent twice',
		meaning: 'The same value for the same time was stored already. It is stored once.',
		outcome: 'noted'
	},
	'conflicting-duplicate': {
		title: 'Two values for one time',
		meaning: 'Another value for the same sensor and time was stored already. The first one was kept.',
		outcome: 'lost'
	},
	'out-of-order': {
		title: 'Late',
		meaning: 'The reading came after newer ones. It was stored at its own time.',
		outcome: 'noted'
	},
	'out-of-range': {
		title: 'Impossible value',
		meaning:
			'The value is outside what the sensor can measure. It was stored marked bad and is not used for the verdict.',
		outcome: 'altered'
	},
	'unknown-field': {
		title: 'Field not used',
		meaning: 'The message has a field that is no measured value. Nothing else was affected.',
		outcome: 'noted'
	},
	'too-many-sensors': {
		title: 'Too many sensors',
		meaning: 'A machine sent more different sensors than are kept for one machine. The ones beyond that were left out.',
		outcome: 'lost'
	},
	retained: {
		title: 'Kept by the broker',
		meaning: 'The broker repeated its last kept message on connecting. It is shown, but not stored as a new reading.',
		outcome: 'noted'
	},
	overflow: {
		title: 'Faster than it can be stored',
		meaning:
			'Messages of QoS 0 came faster than this device stores them, and were left out. With QoS 1 the broker keeps them.',
		outcome: 'lost'
	},
	'sequence-gap': {
		title: 'Messages missing',
		meaning: 'A Sparkplug node skipped a number or has not introduced itself. It was asked to introduce itself again.',
		outcome: 'noted'
	},
	ignored: {
		title: 'Left out as the mapping says',
		meaning: 'The mapping says to leave this topic, machine or sensor out.',
		outcome: 'noted'
	},
	'decoder-failed': {
		title: 'Could not be read',
		meaning: 'Reading this message failed inside Millwright. It was left out; please report the example below.',
		outcome: 'lost'
	}
};

/** In a file some reasons end differently: there is no time of arrival, and rows instead of messages. */
const fileWords: Partial<Record<IntakeReason, IntakeWords>> = {
	'invalid-time': {
		title: 'Unreadable time',
		meaning: 'The time of the row could not be read, so the row was left out.',
		outcome: 'lost'
	},
	'not-a-number': {
		title: 'Not a number',
		meaning: 'A cell was empty, NaN or text. That one value was left out; the rest of the row was kept.',
		outcome: 'lost'
	}
};

export function wordsOf(reason: IntakeReason, from: 'link' | 'file'): IntakeWords {
	return (from === 'file' && fileWords[reason]) || intakeWords[reason];
}
