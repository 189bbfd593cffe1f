/**
 * Storage, backup: SHA-256 (FIPS 180-4) of bytes that come in pieces. WebCrypto hashes only what is whole in memory, and is missing
 * on pages over plain http.
 */
const K = new Uint32Array(64);
const START = new Uint32Array(8);
// The first 32 bits of the fractions of the cube and square roots of the first primes.
for (let n = 2, found = 0; found < 64; n++) {
	let prime = true;
	for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
	if (!prime) continue;
	if (found < 8) START[found] = (n ** (1 / 2) % 1) * 2 ** 32;
	K[found++] = (n ** (1 / 3) % 1) * 2 ** 32;
}

export class Sha256 {
	private readonly state = Uint32Array.from(START);
	private readonly words = new Uint32Array(64);
	private readonly block = new Uint8Array(64);
	private held = 0;
	private length = 0;

	update(bytes: Uint8Array): this {
		this.length += bytes.length;
		let at = 0;
		if (this.held > 0) {
			at = Math.min(64 - this.held, bytes.length);
			this.block.set(bytes.subarray(0, at), this.held);
			this.held += at;
			if (this.held < 64) return this;
			this.compress(this.block, 0);
			this.held = 0;
		}
		for (; at + 64 <= bytes.length; at += 64) this.compress(bytes, at);
		this.block.set(bytes.subarray(at));
		this.held = bytes.length - at;
		return this;
	}

	/** Ends it; lower-case hex. */
	hex(): string {
		const bits = this.length * 8;
		const tail = new Uint8Array(this.held < 56 ? 64 - this.held : 128 - this.held);
		tail[0] = 0x80;
		const view = new DataView(tail.buffer);
		view.setUint32(tail.length - 8, Math.floor(bits / 2 ** 32));
		view.setUint32(tail.length - 4, bits >>> 0);
		this.update(tail);
		return [...this.state].map((word) => word.toString(16).padStart(8, '0')).join('');
	}

	private compress(bytes: Uint8Array, at: number): void {
		const { words, state } = this;
		for (let i = 0; i < 16; i++, at += 4)
			words[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
		for (let i = 16; i < 64; i++) {
			const x = words[i - 15]!;
			const y = words[i - 2]!;
			const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
			const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
			words[i] = words[i - 16]! + s0 + words[i - 7]! + s1;
		}
		let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
		for (let i = 0; i < 64; i++) {
			const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
			const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i]! + words[i]!) | 0;
			const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
			const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
			h = g;
			g = f;
			f = e;
			e = (d + t1) | 0;
			d = c;
			c = b;
			b = a;
			a = (t1 + t2) | 0;
		}
		state[0]! += a;
		state[1]! += b;
		state[2]! += c;
		state[3]! += d;
		state[4]! += e;
		state[5]! += f;
		state[6]! += g;
		state[7]! += h;
	}
}
