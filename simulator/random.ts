/**
 * Simulator: seeded randomness.
 *
 * In: integer keys. Out: hashes, uniform and bell-shaped numbers. Measurement noise is counter-based (a pure function of
 * seed, machine, sensor and step), so steps that nobody reads cost nothing and reading never changes what follows.
 * Only integer arithmetic and one multiplication: the same bits in every engine.
 */

/** Mixes two 32-bit integers into one (finaliser of MurmurHash3, Appleby 2011). */
export function hash(a: number, b: number): number {
	let h = Math.imul(a ^ (b + 0x9e3779b9 + (a << 6) + (a >>> 2)), 0x85ebca6b);
	h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
	h ^= h >>> 16;
	h = Math.imul(h ^ (b >>> 7), 0x27d4eb2f);
	return (h ^ (h >>> 15)) >>> 0;
}

export function hashText(text: string): number {
	let h = 0x811c9dc5;
	for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
	return h >>> 0;
}

/** Uniform in [0, 1). */
export const uniformOf = (key: number, counter: number): number => hash(key, counter) / 4294967296;

/** Sum of four uniforms, scaled to mean 0 and deviation 1: bell-shaped, never beyond 3.5 deviations. */
const BELL_SCALE = Math.sqrt(3) / 65536;
const BELL_CENTRE = 2 * 65535;

export function bellOf(key: number, counter: number): number {
	const a = hash(key, counter);
	const b = Math.imul(a ^ 0x5bd1e995, 0x2c1b3c6d) ^ (a >>> 11);
	return ((a & 0xffff) + (a >>> 16) + (b & 0xffff) + (b >>> 16) - BELL_CENTRE) * BELL_SCALE;
}

/** A sequence of numbers for what always advances with the machine: process disturbances, duty decisions. */
export class RandomStream {
	private counter = 0;
	constructor(private readonly key: number) {}

	uniform(low = 0, high = 1): number {
		return low + (high - low) * uniformOf(this.key, this.counter++);
	}

	bell(): number {
		return bellOf(this.key, this.counter++);
	}
}
