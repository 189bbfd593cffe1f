/**
 * Neural: seeded randomness. In: numbers that name a place (seed, epoch, step, layer, row). Out: the same numbers every
 * time, on every machine. Every draw is found from its place alone, so a resumed or divided job draws what a whole one would.
 */

/** Mixes numbers into one 32-bit seed (murmur3's finaliser per part). */
export function seedOf(...parts: readonly number[]): number {
	let hash = 0x9e3779b9;
	for (const part of parts) {
		hash = Math.imul(hash ^ (part >>> 0), 0x85ebca6b);
		hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
		hash ^= hash >>> 16;
	}
	return hash >>> 0;
}

/** Uniform numbers in [0, 1): mulberry32. */
export function randomFrom(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

/** Standard normal numbers (Box & Muller 1958). */
export function normalFrom(seed: number): () => number {
	const uniform = randomFrom(seed);
	return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** 0..count-1 in a random order (Fisher & Yates). */
export function shuffledIndices(count: number, seed: number): Uint32Array {
	const order = Uint32Array.from({ length: count }, (_, k) => k);
	const uniform = randomFrom(seed);
	for (let k = count - 1; k > 0; k--) {
		const other = Math.floor(uniform() * (k + 1));
		const held = order[k]!;
		order[k] = order[other]!;
		order[other] = held;
	}
	return order;
}
