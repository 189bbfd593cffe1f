/** What ships beside a model is used only when it is whole and belongs to the version. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { ModelVersion } from '../../../src/lib/contracts';
import { ModelSource } from '../../../src/lib/workers/model-source';
import type { ModelStore } from '../../../src/lib/storage/store';

const version = { id: 'pump-v9', origin: 'shipped', target: { machineClass: 'centrifugal-pump' } } as ModelVersion;
const library = JSON.stringify({ format: 3, modelId: 'pump-v9', faults: [] });
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** A host that serves the index, and `served` as the library; `asked` counts. */
function host(served: string, failuresSha256: string, asked: { count: number } = { count: 0 }) {
	const index = [
		{ machineClass: 'centrifugal-pump', path: 'pump/v9/', id: 'pump-v9', failures: 'failures.json', failuresSha256 }
	];
	const answer: typeof fetch = (address) => {
		asked.count++;
		return Promise.resolve(new Response(String(address).endsWith('index.json') ? JSON.stringify(index) : served));
	};
	return new ModelSource({} as ModelStore, 'https://plant.example/app/', answer);
}

test('a library whose checksum is right is given, and fetched once', async () => {
	const asked = { count: 0 };
	const source = host(library, sha256(library), asked);
	expect((await source.failuresFor(version))?.modelId).toBe('pump-v9');
	await source.failuresFor(version);
	expect(asked.count).toBe(2);
});

test('a torn library is refused, naming the version', async () => {
	await expect(host(library.slice(0, 20), sha256(library)).failuresFor(version)).rejects.toMatchObject({
		code: 'invalid-model',
		message: expect.stringContaining('pump-v9')
	});
});

test('a library of another version is refused', async () => {
	const other = JSON.stringify({ format: 3, modelId: 'pump-v8', faults: [] });
	await expect(host(other, sha256(other)).failuresFor(version)).rejects.toMatchObject({ code: 'invalid-model' });
});

test('without a network nothing is known of failures, and it is asked for again later', async () => {
	let online = false;
	const whole = host(library, sha256(library));
	const source = new ModelSource({} as ModelStore, 'https://plant.example/app/', (address) =>
		online
			? (whole as unknown as { fetchFile: typeof fetch }).fetchFile(address)
			: Promise.reject(new TypeError('offline'))
	);
	expect(await source.failuresFor(version)).toBeUndefined();
	online = true;
	expect((await source.failuresFor(version))?.modelId).toBe('pump-v9');
});
