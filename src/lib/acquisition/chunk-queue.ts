/**
 * Data Acquisition, MQTT: chunks of the stream wait here for their turn.
 *
 * In: chunks as the socket delivers them. Out: the same, in order, a few milliseconds' worth at a time, and only while there is room for what
 * they hold. After a reconnect a broker sends sixteen thousand messages in one go: read as they come they keep the answers of the
 * database waiting, so that nothing is committed before all are read, and a tablet under load that is interrupted sooner never gets on.
 */

/** Work in one go; then others have their turn. */
const SLICE_MS = 4;
/** Where the broker does not wait for acknowledgements, more than this does not wait here either. */
const MOST_WAITING_BYTES = 64_000_000;

export class ChunkQueue {
	#waiting: Uint8Array[] = [];
	#head = 0;
	#bytes = 0;
	#sliceEnds = 0;
	#isTurnComing = false;
	#isClosed = false;
	readonly #turns = new MessageChannel();

	constructor(
		private readonly read: (chunk: Uint8Array) => void,
		private readonly hasRoom: () => boolean
	) {
		this.#turns.port1.onmessage = () => {
			this.#isTurnComing = false;
			this.readOn();
		};
		// In Node a listening port would keep the process.
		(this.#turns.port1 as { unref?: () => void }).unref?.();
	}

	push(chunk: Uint8Array): void {
		this.#waiting.push(chunk);
		this.#bytes += chunk.length;
		if (!this.#isTurnComing) this.readOn();
		else if (this.#waiting.length === this.#head + 1 && performance.now() < this.#sliceEnds && this.#mayRead())
			this.#readSlice();
	}

	/** There may be room again. */
	readOn(): void {
		if (this.#isTurnComing || this.#isClosed || this.#head === this.#waiting.length || !this.#mayRead()) return;
		this.#sliceEnds = performance.now() + SLICE_MS;
		this.#isTurnComing = true;
		this.#turns.port2.postMessage(0);
		this.#readSlice();
	}

	/** Gives up what waits: all of it is read at once. */
	close(): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		this.#turns.port1.close();
		while (this.#head < this.#waiting.length) this.#readNext();
	}

	#readSlice(): void {
		do this.#readNext();
		while (this.#head < this.#waiting.length && performance.now() < this.#sliceEnds && this.#mayRead());
	}

	#readNext(): void {
		const chunk = this.#waiting[this.#head++]!;
		this.#bytes -= chunk.length;
		if (this.#head === this.#waiting.length || this.#head > 4_096) {
			this.#waiting = this.#waiting.slice(this.#head);
			this.#head = 0;
		}
		this.read(chunk);
	}

	#mayRead(): boolean {
		return this.#bytes > MOST_WAITING_BYTES || this.hasRoom();
	}
}
