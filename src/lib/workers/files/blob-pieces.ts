/**
 * Files: a file that grows by pieces without growing in memory. In: bytes. Out: one Blob of many; the browser keeps blobs on disk when they are large.
 */
const PIECE_BYTES = 4 * 1024 * 1024;

export class BlobPieces {
	readonly #pieces: Blob[] = [];
	#open: Uint8Array<ArrayBuffer>[] = [];
	#openBytes = 0;

	write(bytes: Uint8Array<ArrayBuffer>): void {
		this.#open.push(bytes);
		this.#openBytes += bytes.length;
		if (this.#openBytes >= PIECE_BYTES) this.#close();
	}

	end(type: string): Blob {
		this.#close();
		return new Blob(this.#pieces, { type });
	}

	#close(): void {
		if (this.#open.length > 0) this.#pieces.push(new Blob(this.#open));
		this.#open = [];
		this.#openBytes = 0;
	}
}
