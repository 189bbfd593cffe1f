/**
 * Neural: zip archives, which `.keras` files are and exports come in. In: bytes. Out: the files inside; and back. The zip library
 * (fflate) is loaded when first needed.
 */
import { badFile } from './format';
import type { NamedBytes } from './files';

/** More than any model that a browser can run: a small archive can claim to unpack to terabytes. */
const mostBytes = 512 * 1024 * 1024;

export function isZip(bytes: ArrayBuffer): boolean {
	return startsWith(bytes, [0x50, 0x4b, 0x03, 0x04]);
}

export function isHdf5(bytes: ArrayBuffer): boolean {
	return startsWith(bytes, [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);
}

/** Throws `invalid-file` for a damaged archive, or one that is too large. */
export async function unzip({ name, bytes }: NamedBytes): Promise<NamedBytes[]> {
	const { unzipSync } = await import('fflate');
	let total = 0;
	let files: Record<string, Uint8Array>;
	try {
		files = unzipSync(new Uint8Array(bytes), {
			filter: ({ originalSize }) => (total += originalSize) <= mostBytes
		});
	} catch (error) {
		const said = error instanceof Error ? error.message : String(error);
		throw badFile(`${name} is a damaged archive: ${said}.`, { file: name, said });
	}
	if (total > mostBytes)
		throw badFile(`${name} would unpack to more than ${mostBytes / 1024 ** 2} MB.`, { file: name, found: total });
	return Object.entries(files)
		.filter(([path]) => !path.endsWith('/'))
		.map(([path, content]) => ({ name: path, bytes: content.slice().buffer }));
}

export async function zip(files: readonly NamedBytes[]): Promise<ArrayBuffer> {
	const { zipSync } = await import('fflate');
	const packed = zipSync(Object.fromEntries(files.map(({ name, bytes }) => [name, new Uint8Array(bytes)])));
	return packed.slice().buffer;
}

function startsWith(bytes: ArrayBuffer, signature: readonly number[]): boolean {
	const head = new Uint8Array(bytes, 0, Math.min(bytes.byteLength, signature.length));
	return head.length === signature.length && signature.every((byte, k) => head[k] === byte);
}
