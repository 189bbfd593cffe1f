/**
 * Data Acquisition, files: rows of a delimited text file, streamed.
 *
 * In: a File (gzip by its name or first bytes). Out: chunks of rows of cells; only the present chunk is in memory. RFC 4180 quotes,
 * any line ending, UTF-8 with or without BOM, UTF-16 by its BOM, else Windows-1252.
 */
import { MillwrightError } from '../../contracts';

export const delimiters = [',', ';', '\t', '|'] as const;
/** Any run of blanks: tables of scientific programs. Taken only where no other delimiter makes a table. */
export const blanks = ' ';

/** Longest row that is still a row: past it a quote was never closed. */
const MAX_ROW_CHARACTERS = 4_000_000;

export interface RowChunk {
	readonly rows: string[][];
	/** Bytes of the file (as stored, so of the gzip) read so far. */
	readonly bytesRead: number;
}

/**
 * @throws MillwrightError `invalid-file` when the file is no text, or its gzip is damaged; `aborted`.
 */
export async function* readRows(file: File, delimiter: string, signal?: AbortSignal): AsyncGenerator<RowChunk> {
	const splitter = new RowSplitter(delimiter);
	for await (const { text, bytesRead } of readText(file, signal)) {
		const rows = splitter.push(text);
		if (rows.length > 0) yield { rows, bytesRead };
	}
	const rows = splitter.end();
	yield { rows, bytesRead: file.size };
}

/** Text of the file's beginning, about `bytes` long. */
export async function readHead(file: File, bytes: number): Promise<string> {
	let head = '';
	for await (const { text } of readText(file)) {
		head += text;
		if (head.length >= bytes) break;
	}
	return head.slice(0, bytes);
}

/** The file's text in pieces, unpacked if it is gzip. */
export async function* readText(file: File, signal?: AbortSignal): AsyncGenerator<{ text: string; bytesRead: number }> {
	let bytesRead = 0;
	const counted = file.stream().pipeThrough(
		new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
			transform(chunk, controller) {
				bytesRead += chunk.length;
				controller.enqueue(chunk);
			}
		})
	);
	const zipped = await isGzip(file);
	const stream = zipped ? counted.pipeThrough(new DecompressionStream('gzip')) : counted;
	const reader = (stream as ReadableStream<Uint8Array>).getReader();
	let decoder: TextDecoder | undefined;
	try {
		for (;;) {
			if (signal?.aborted) throw new MillwrightError('aborted', 'Import cancelled');
			const { done, value } = await readChunk(reader, file.name);
			if (done) break;
			decoder ??= decoderFor(value, file.name);
			const text = decoder.decode(value, { stream: true });
			if (text !== '') yield { text, bytesRead };
		}
		const rest = decoder?.decode();
		if (rest) yield { text: rest, bytesRead };
	} finally {
		await reader.cancel().catch(() => undefined);
	}
}

/** By its name or its first bytes. */
export async function isGzip(file: File): Promise<boolean> {
	if (/\.gz(ip)?$/i.test(file.name)) return true;
	const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
	return first === 0x1f && second === 0x8b;
}

async function readChunk(
	reader: ReadableStreamDefaultReader<Uint8Array>,
	name: string
): Promise<ReadableStreamReadResult<Uint8Array>> {
	try {
		return await reader.read();
	} catch (error) {
		const said = error instanceof Error ? error.message : String(error);
		throw new MillwrightError('invalid-file', `${name} cannot be read: ${said || 'it is damaged'}`);
	}
}

function decoderFor(head: Uint8Array, name: string): TextDecoder {
	if (head[0] === 0xff && head[1] === 0xfe) return new TextDecoder('utf-16le');
	if (head[0] === 0xfe && head[1] === 0xff) return new TextDecoder('utf-16be');
	if (head.subarray(0, 4_096).includes(0))
		throw new MillwrightError('invalid-file', `${name} is not a text file (text has no zero bytes)`);
	try {
		new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
		return new TextDecoder('utf-8');
	} catch {
		return new TextDecoder('windows-1252');
	}
}

/** Splits text that comes in pieces into rows of cells. */
export class RowSplitter {
	#rest = '';
	/** The rest up to here has been looked at: it ends inside quotes. */
	#scanned = 0;
	#quoted = false;

	constructor(private readonly delimiter: string) {}

	push(text: string): string[][] {
		const all = this.#rest + text;
		const rows: string[][] = [];
		let start = 0;
		let at = this.#scanned;
		// Positions found are kept until passed: looking for a character that is not there must not cost a scan per row.
		let quote = -1;
		let feed = -1;
		let carriage = -1;
		while (at < all.length) {
			if (quote < at) quote = find(all, '"', at);
			if (this.#quoted) {
				if (quote === all.length) {
					at = all.length;
					break;
				}
				this.#quoted = false;
				at = quote + 1;
				continue;
			}
			if (feed < at) feed = find(all, '\n', at);
			if (carriage < at) carriage = find(all, '\r', at);
			const end = Math.min(feed, carriage);
			if (quote < end) {
				this.#quoted = true;
				at = quote + 1;
				continue;
			}
			// A '\r' at the very end may be half of '\r\n': wait for more.
			if (end === all.length || (end === carriage && end + 1 === all.length)) {
				at = end;
				break;
			}
			this.#add(rows, all.slice(start, end));
			at = end === carriage && feed === end + 1 ? end + 2 : end + 1;
			start = at;
		}
		this.#rest = all.slice(start);
		this.#scanned = at - start;
		if (this.#rest.length > MAX_ROW_CHARACTERS)
			throw new MillwrightError('invalid-file', 'A row is longer than 4 MB: a quote is probably never closed');
		return rows;
	}

	end(): string[][] {
		const rows: string[][] = [];
		this.#add(rows, this.#rest.replace(/\r$/, ''));
		this.#rest = '';
		return rows;
	}

	#add(rows: string[][], line: string): void {
		if (line.trim() === '') return;
		rows.push(splitCells(line, this.delimiter));
	}
}

/** Like indexOf, but past the end when there is none. */
function find(text: string, character: string, from: number): number {
	const at = text.indexOf(character, from);
	return at < 0 ? text.length : at;
}

export function splitCells(line: string, delimiter: string): string[] {
	if (delimiter === blanks) return line.trim().split(/\s+/);
	if (!line.includes('"')) return line.split(delimiter);
	const cells: string[] = [];
	let at = 0;
	for (;;) {
		if (line[at] === '"') {
			let cell = '';
			at++;
			for (;;) {
				const quote = line.indexOf('"', at);
				if (quote < 0) {
					cell += line.slice(at);
					at = line.length;
					break;
				}
				cell += line.slice(at, quote);
				at = quote + 1;
				if (line[at] !== '"') break;
				cell += '"';
				at++;
			}
			const next = line.indexOf(delimiter, at);
			cells.push(cell + (next < 0 ? line.slice(at) : line.slice(at, next)));
			if (next < 0) return cells;
			at = next + 1;
		} else {
			const next = line.indexOf(delimiter, at);
			cells.push(next < 0 ? line.slice(at) : line.slice(at, next));
			if (next < 0) return cells;
			at = next + 1;
		}
	}
}
