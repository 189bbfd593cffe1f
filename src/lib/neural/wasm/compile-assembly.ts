/**
 * Build tool (Node only): compiles the AssemblyScript kernels in `assembly/` to WebAssembly, in one of two builds, and keeps the
 * result under `node_modules/.cache/` by the hash of sources, compiler and flags, so that nothing compiled is committed.
 */
import { createHash, type Hash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `simd`: SIMD128 as in every current browser. `relaxed`: fused multiply-add besides, where `supportsRelaxedSimd` says so. */
export type WasmBuild = 'simd' | 'relaxed';

const features: Record<WasmBuild, string[]> = {
	simd: ['--enable', 'simd'],
	relaxed: ['--enable', 'simd', '--enable', 'relaxed-simd']
};
const flags = ['--runtime', 'stub', '-O3', '--noAssert', '--use', 'abort='];

function sourceFolder(): string {
	const beside = fileURLToPath(new URL('./assembly', import.meta.url));
	// A bundled configuration file no longer lies beside the sources: then the project root is where it was started.
	return existsSync(beside) ? beside : resolve('src/lib/neural/wasm/assembly');
}

function readSources(folder: string): { name: string; text: string }[] {
	return readdirSync(folder)
		.filter((name) => name.endsWith('.ts'))
		.sort()
		.map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
}

function hashSources(hash: Hash, folder: string): Hash {
	for (const { name, text } of readSources(folder)) hash.update(`${name}\0${text}\0`);
	return hash;
}

const running = new Map<string, Promise<string>>();

/** Path of the compiled module. Throws an Error with the compiler's messages when it does not compile. */
export function compileAssembly(build: WasmBuild): Promise<string> {
	const folder = sourceFolder();
	const description = createRequire(join(folder, 'index.ts')).resolve('assemblyscript/package.json');
	const { version } = JSON.parse(readFileSync(description, 'utf8')) as { version: string };
	const options = [...flags, ...features[build]];
	const hash = hashSources(createHash('sha256').update(`${version}\0${options.join(' ')}\0`), folder);
	const cache = join(dirname(dirname(description)), '.cache', 'millwright');
	const path = join(cache, `lstm-${build}-${hash.digest('hex').slice(0, 12)}.wasm`);
	if (existsSync(path)) return Promise.resolve(path);
	const known = running.get(path);
	if (known) return known;
	const work = compile(folder, options, path).finally(() => running.delete(path));
	running.set(path, work);
	return work;
}

async function compile(folder: string, options: string[], path: string): Promise<string> {
	const asc = (await import('assemblyscript/asc')).default;
	let binary: Uint8Array | undefined;
	const { error, stderr } = await asc.main(['index.ts', '--outFile', 'lstm.wasm', ...options], {
		readFile: (name, base) => {
			const file = resolve(folder, base === '.' ? '' : base, name);
			return existsSync(file) ? readFileSync(file, 'utf8') : null;
		},
		writeFile: (_name, contents) => {
			if (typeof contents !== 'string') binary = contents;
		},
		listFiles: () => []
	});
	if (error || !binary) throw new Error(`The LSTM kernels do not compile:\n${stderr.toString() || String(error)}`);
	mkdirSync(dirname(path), { recursive: true });
	// Written aside and renamed: another process may be compiling the same, and none may read half a file.
	const partial = `${path}.${process.pid}`;
	writeFileSync(partial, binary);
	renameSync(partial, path);
	return path;
}
