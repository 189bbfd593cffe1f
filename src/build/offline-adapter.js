/**
 * Build step: wraps adapter-static so that the folder it writes is whole.
 *
 * In: what Vite and Kit have written. Out: the same folder plus `models/` (served as they are), with the list of every file
 * put into the service worker, so that the installed app opens and runs its demo without a network.
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** Source files of `models/` that are for developers, not for browsers. */
const developerFile = /\.(ts|js)$/;

/** What the app itself never asks for: no need to keep it offline. */
const notKept = /(^service-worker\.js|\.map|\.md|^screenshot-.*\.png)$/;

/** @param {string} folder @returns {string[]} every file below, as '/'-separated relative paths, sorted */
export function listFiles(folder) {
	return readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
		.sort();
}

/**
 * @param {import('@sveltejs/kit').Adapter} inner
 * @param {{ folder: string }} options
 * @returns {import('@sveltejs/kit').Adapter}
 */
export function withOfflineFiles(inner, { folder }) {
	return {
		...inner,
		name: `${inner.name} + offline files`,
		async adapt(builder) {
			await inner.adapt(builder);
			cpSync('models', join(folder, 'models'), {
				recursive: true,
				filter: (source) => !developerFile.test(source)
			});
			writeManifest(folder);
		}
	};
}

/** @param {string} folder */
function writeManifest(folder) {
	const worker = join(folder, 'service-worker.js');
	if (!existsSync(worker)) return;
	const entries = listFiles(folder)
		.filter((file) => !notKept.test(file))
		.map((file) => ({
			url: file,
			// Names under _app/immutable carry a hash already.
			revision: file.includes('/immutable/') ? null : revisionOf(join(folder, file))
		}));
	const source = readFileSync(worker, 'utf8');
	const marker = /self\.__WB_MANIFEST/g;
	if (source.match(marker)?.length !== 1)
		throw new Error(`service-worker.js must name self.__WB_MANIFEST exactly once`);
	writeFileSync(
		worker,
		source.replace(marker, () => JSON.stringify(entries))
	);
}

/** @param {string} file */
function revisionOf(file) {
	return createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 16);
}
