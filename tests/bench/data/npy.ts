/**
 * NumPy arrays (format 1 and 2) of little-endian float64 or float32, gzipped or not. In: a path. Out: the shape and the values, row-major.
 */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export interface NumpyArray {
	readonly shape: readonly number[];
	readonly values: Float64Array;
}

export function readNumpy(path: string): NumpyArray {
	const file = [path, `${path}.gz`].find(existsSync);
	if (!file) throw new Error(`${path} (or .gz) is missing: give its folder with --data`);
	const raw = readFileSync(file);
	const bytes = file.endsWith('.gz') ? gunzipSync(raw) : raw;
	if (bytes.toString('latin1', 1, 6) !== 'NUMPY') throw new Error(`${file} is no NumPy array`);
	const long = bytes[6]! > 1;
	const length = long ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
	const start = (long ? 12 : 10) + length;
	const header = bytes.toString('latin1', long ? 12 : 10, start);
	const kind = /'descr': '(<f[48])'/.exec(header)?.[1];
	const shape = /'shape': \(([^)]*)\)/.exec(header)?.[1];
	if (!kind || shape === undefined || /'fortran_order': True/.test(header))
		throw new Error(`${file}: only row-major little-endian floats can be read, found ${header.trim()}`);
	const body = Uint8Array.from(bytes.subarray(start)).buffer;
	return {
		shape: shape.split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)])),
		values: kind === '<f8' ? new Float64Array(body) : Float64Array.from(new Float32Array(body))
	};
}
