/**
 * Storage, backup: the file's outer form. In: payloads by type. Out: bytes, and back, one frame in memory at a time.
 *
 * `MWBACKUP`, version u32; then frames: type u8, index u32, length u32, payload, CRC-32 of all these, little-endian. The last frame (type
 * `end`) holds the SHA-256 of every byte before it. So a file that is cut off, altered, put together wrongly or of another kind is told apart.
 */
import { MillwrightError } from '../../contracts';
import { crc32 } from '../codec/bytes';
import { Sha256 } from './sha256';
import { parse, stringify } from './tagged-json';

export const FORMAT_VERSION = 1;
const MAGIC = new TextEncoder().encode('MWBACKUP');
const HEAD = 9;
const SLICE_BYTES = 4 * 1024 * 1024;
/** A frame is one record of what is stored; nothing of ours is near this. */
const MOST_FRAME_BYTES = 512 * 1024 * 1024;

export const FrameType = { about: 1, rows: 2, segment: 3, journal: 4, weights: 5, end: 255 } as const;

export interface Frame {
	readonly type: number;
	readonly payload: Uint8Array<ArrayBuffer>;
}

export class FrameWriter {
	private readonly digest = new Sha256();
	private index = 0;
	bytes = 0;

	constructor(private readonly write: (bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>) {}

	private async out(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
		this.digest.update(bytes);
		this.bytes += bytes.length;
		await this.write(bytes);
	}

	async begin(): Promise<void> {
		const head = new Uint8Array(MAGIC.length + 4);
		head.set(MAGIC);
		new DataView(head.buffer).setUint32(MAGIC.length, FORMAT_VERSION, true);
		await this.out(head);
	}

	async frame(type: number, ...payload: readonly Uint8Array[]): Promise<void> {
		await this.out(frameBytes(type, this.index++, payload));
	}

	async end(content: Record<string, unknown>): Promise<void> {
		const text = stringify({ ...content, sha256: this.digest.hex() });
		const bytes = frameBytes(FrameType.end, this.index, [new TextEncoder().encode(text)]);
		this.bytes += bytes.length;
		await this.write(bytes);
	}
}

function frameBytes(type: number, index: number, payload: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
	const length = payload.reduce((sum, part) => sum + part.length, 0);
	const bytes = new Uint8Array(HEAD + length + 4);
	const view = new DataView(bytes.buffer);
	view.setUint8(0, type);
	view.setUint32(1, index, true);
	view.setUint32(5, length, true);
	let at = HEAD;
	for (const part of payload) {
		bytes.set(part, at);
		at += part.length;
	}
	view.setUint32(at, crc32(bytes.subarray(0, at)), true);
	return bytes;
}

export interface ReadOptions {
	readonly signal?: AbortSignal;
	/** Bytes of the file read so far. */
	readonly onBytes?: (done: number, total: number) => void;
}

/**
 * Frames of a backup up to and without its end, each checked; returns what the end says once everything has proved right.
 * @throws MillwrightError `invalid-file` with what is wrong with the file; `aborted`
 */
export async function* readFrames(
	file: Blob,
	{ signal, onBytes }: ReadOptions = {}
): AsyncGenerator<Frame, Record<string, unknown>> {
	let held: Uint8Array<ArrayBuffer> = new Uint8Array(0);
	let at = 0;
	let loaded = 0;
	const digest = new Sha256();
	const place = () => loaded - held.length + at;
	/** The next bytes; undefined when the file ends before. */
	const take = async (count: number): Promise<Uint8Array<ArrayBuffer> | undefined> => {
		if (signal?.aborted) throw new MillwrightError('aborted', 'Cancelled');
		if (count > file.size - place()) return undefined;
		if (held.length - at < count) {
			const more = await loadSlice(file, loaded, Math.max(SLICE_BYTES, count - (held.length - at)));
			const joined = new Uint8Array(held.length - at + more.length);
			joined.set(held.subarray(at));
			joined.set(more, held.length - at);
			loaded += more.length;
			held = joined;
			at = 0;
		}
		const taken = held.subarray(at, at + count);
		at += count;
		onBytes?.(place(), file.size);
		return taken;
	};
	const cutOff = () =>
		new MillwrightError(
			'invalid-file',
			`The backup is cut off: it ends after ${file.size.toLocaleString('en-GB')} bytes, in the middle of its content. Copy the whole file.`
		);

	if (file.size === 0) throw new MillwrightError('invalid-file', 'The file is empty.');
	const magic = await take(Math.min(MAGIC.length, file.size));
	if (!magic!.every((byte, i) => byte === MAGIC[i]))
		throw new MillwrightError('invalid-file', 'This file is not a Millwright backup.');
	const stated = magic!.length === MAGIC.length ? await take(4) : undefined;
	if (!stated) throw cutOff();
	const version = new DataView(stated.buffer, stated.byteOffset, 4).getUint32(0, true);
	if (version !== FORMAT_VERSION)
		throw new MillwrightError(
			'invalid-file',
			version > FORMAT_VERSION && version < 1000
				? `The backup was written by a newer version of Millwright (format ${version}; this one reads ${FORMAT_VERSION}). Update Millwright first.`
				: 'The backup is damaged: its first bytes make no sense.'
		);
	digest.update(magic!).update(stated);

	for (let index = 0; ; index++) {
		const start = place();
		const damaged = (why: string) =>
			new MillwrightError('invalid-file', `The backup is damaged or was altered at byte ${start}: ${why}.`);
		const head = (await take(HEAD))?.slice();
		if (!head) throw cutOff();
		const view = new DataView(head.buffer);
		const length = view.getUint32(5, true);
		if (view.getUint32(1, true) !== index) throw damaged('a record is missing or out of place');
		if (length > MOST_FRAME_BYTES) throw damaged('a record states an impossible length');
		const rest = await take(length + 4);
		if (!rest) throw cutOff();
		const payload = rest.slice(0, length);
		const sum = new DataView(rest.buffer, rest.byteOffset + length, 4).getUint32(0, true);
		const whole = new Uint8Array(HEAD + length);
		whole.set(head);
		whole.set(payload, HEAD);
		if (crc32(whole) !== sum) throw damaged('a checksum does not fit');
		if (head[0] === FrameType.end) {
			const end = parse(new TextDecoder().decode(payload)) as Record<string, unknown>;
			if (end?.['sha256'] !== digest.hex()) throw damaged('the checksum of the whole file does not fit');
			if (place() !== file.size) throw damaged('something was added after its end');
			return end;
		}
		digest.update(whole).update(rest.subarray(length));
		yield { type: head[0]!, payload };
	}
}

async function loadSlice(file: Blob, from: number, count: number): Promise<Uint8Array<ArrayBuffer>> {
	try {
		return new Uint8Array(await file.slice(from, from + count).arrayBuffer());
	} catch (error) {
		const said = error instanceof Error ? error.message : String(error);
		throw new MillwrightError('invalid-file', `The file can no longer be read: ${said}`);
	}
}
