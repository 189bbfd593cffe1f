/**
 * Data Acquisition: messages that can be read only once another has come (Sparkplug: a birth).
 *
 * In: a message and its acknowledgement, under the name of what it waits for. Out: the same, in the order they came, when that is there or has
 * not come in half a minute. Bounded: what is too much is not taken. Nothing held is acknowledged.
 */
import type { EpochMs } from '../contracts';
import type { IncomingMessage } from './message';

/** A rebirth takes a second; it is asked for three times in this. */
const LONGEST_MS = 30_000;
const MOST_MESSAGES = 8_192;
const MOST_BYTES = 16_000_000;

export interface HeldMessage {
	readonly message: IncomingMessage;
	/** To be called once it is durable (at QoS 1). */
	readonly safe?: () => void;
}

export class HeldMessages {
	readonly #byKey = new Map<string, HeldMessage[]>();
	#messages = 0;
	#bytes = 0;
	#acknowledgements = 0;

	/** `mostAcknowledgements`: so many may be kept from the broker. Where it stops at a few, the birth waited for may be behind them. */
	constructor(private readonly mostAcknowledgements: () => number) {}

	/** False: it is not taken. The payload is copied. */
	keep(key: string, message: IncomingMessage, safe: (() => void) | undefined): boolean {
		const { length } = message.payload;
		if (this.#messages >= MOST_MESSAGES || this.#bytes + length > MOST_BYTES) return false;
		if (safe && this.#acknowledgements >= this.mostAcknowledgements()) return false;
		const held = { message: { ...message, payload: message.payload.slice() }, ...(safe && { safe }) };
		const waiting = this.#byKey.get(key);
		if (waiting) waiting.push(held);
		else this.#byKey.set(key, [held]);
		this.#account(held, 1);
		return true;
	}

	/** What waited for this. */
	take(key: string): HeldMessage[] {
		const taken = this.#byKey.get(key) ?? [];
		this.#byKey.delete(key);
		for (const held of taken) this.#account(held, -1);
		return taken;
	}

	/** What has waited too long. */
	takeOverdue(now: EpochMs): HeldMessage[] {
		const taken: HeldMessage[] = [];
		for (const [key, waiting] of this.#byKey) {
			// Clocks are set, forwards and back.
			const isOverdue = ({ message }: HeldMessage) => Math.abs(now - message.receivedAt) > LONGEST_MS;
			if (isOverdue(waiting[0]!)) taken.push(...this.take(key));
		}
		return taken;
	}

	#account({ message, safe }: HeldMessage, sign: 1 | -1): void {
		this.#messages += sign;
		this.#bytes += sign * message.payload.length;
		if (safe) this.#acknowledgements += sign;
	}
}
