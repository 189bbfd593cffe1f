/**
 * Data Acquisition, MQTT: topics as text, each decoded once.
 *
 * In: the bytes of a topic. Out: the same string for the same bytes, so that whoever looks it up compares a reference and not its letters.
 */

interface Named {
	readonly bytes: Uint8Array;
	readonly text: string;
}

export class TopicNames {
	readonly #named = new Map<number, Named>();
	readonly #utf8 = new TextDecoder();

	/** Bounded, since a hostile source can invent topics without end. */
	constructor(private readonly capacity = 250_000) {}

	read(bytes: Uint8Array, start: number, end: number): string {
		// FNV-1a in 30 bits: numbers that need no box.
		let hash = 0x811c9dc5;
		for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
		const key = (hash ^ (hash >>> 30)) & 0x3fffffff;
		const named = this.#named.get(key);
		if (named && isSame(named.bytes, bytes, start, end)) return named.text;
		const own = bytes.slice(start, end);
		const text = this.#utf8.decode(own);
		if (this.#named.size >= this.capacity) this.#named.clear();
		this.#named.set(key, { bytes: own, text });
		return text;
	}
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
	if (known.length !== end - start) return false;
	for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
	return true;
}
