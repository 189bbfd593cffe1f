/**
 * Data Acquisition: counts what came and what was refused or altered, with the last example of each reason.
 *
 * In: calls from intake and committer. Out: `IntakeCounters` for the live channel, and deltas for the stored intake log.
 */
import type { EpochMs, IntakeCounters, IntakeExample, IntakeReason } from '../contracts';

const EXAMPLE_CHARACTERS = 500;
/** An example per reason at most this often: bad input may come by the thousand. */
const EXAMPLE_EVERY_MS = 500;

interface Tally {
	count: number;
	persisted: number;
	last?: IntakeExample;
}

export class IntakeTally {
	messages = 0;
	bytes = 0;
	readings = 0;
	stored = 0;
	/** Messages that brought at least one value or description. */
	understood = 0;
	readonly #byReason = new Map<IntakeReason, Tally>();
	#rateFrom: { at: EpochMs; messages: number };
	#rate = 0;
	changed = true;

	constructor(readonly since: EpochMs) {
		this.#rateFrom = { at: since, messages: 0 };
	}

	count(
		reason: IntakeReason,
		count: number,
		at: EpochMs,
		example: () => { topic: string; payload: string; message: string }
	): void {
		let tally = this.#byReason.get(reason);
		if (!tally) this.#byReason.set(reason, (tally = { count: 0, persisted: 0 }));
		tally.count += count;
		if (!tally.last || at - tally.last.at >= EXAMPLE_EVERY_MS) tally.last = { ...example(), at };
		this.changed = true;
	}

	counters(now: EpochMs, pending: number): IntakeCounters {
		const elapsed = now - this.#rateFrom.at;
		if (elapsed >= 900) {
			this.#rate = ((this.messages - this.#rateFrom.messages) * 1000) / elapsed;
			this.#rateFrom = { at: now, messages: this.messages };
		}
		const byReason: Record<string, { count: number; last?: IntakeExample }> = {};
		for (const [reason, { count, last }] of this.#byReason) byReason[reason] = last ? { count, last } : { count };
		return {
			messages: this.messages,
			bytes: this.bytes,
			readings: this.readings,
			stored: this.stored,
			pending,
			byReason: byReason as IntakeCounters['byReason'],
			since: this.since,
			messagesPerSecond: this.#rate
		};
	}

	/** What happened since the last call, to be added to the stored log. */
	takeUnpersisted(): { reason: IntakeReason; count: number; last?: IntakeExample }[] {
		const fresh: { reason: IntakeReason; count: number; last?: IntakeExample }[] = [];
		for (const [reason, tally] of this.#byReason) {
			if (tally.count === tally.persisted) continue;
			fresh.push({ reason, count: tally.count - tally.persisted, last: tally.last });
			tally.persisted = tally.count;
		}
		return fresh;
	}
}

/** First 500 characters of a payload for a person, unprintable bytes as `\xNN`. */
export function describePayload(payload: Uint8Array): string {
	const head = payload.subarray(0, EXAMPLE_CHARACTERS * 4);
	let text: string | undefined;
	try {
		// `stream`: a character cut at the end of the head is no error.
		text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
	} catch {
		text = Array.from(head.subarray(0, EXAMPLE_CHARACTERS), (byte) =>
			byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
		).join('');
	}
	// eslint-disable-next-line no-control-regex
	const printable = text.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, (character) => {
		return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
	});
	return printable.slice(0, EXAMPLE_CHARACTERS);
}
