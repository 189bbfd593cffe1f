/**
 * Inference and diagnosis: which model a machine uses and where it comes from.
 *
 * In: a machine and the stored assignments. Out: a verified package - the version assigned, or else the one shipped for its
 * class (fetched once from `<base>models/`, kept in storage so that it is there offline), or none.
 */
import {
	MillwrightError,
	type MachineClassId,
	type FailureLibrary,
	type MachineRecord,
	type ModelPackage,
	type ModelVersion
} from '../contracts';
import { sha256Hex } from '../training/checksum';
import type { ModelStore } from '../storage/store';

interface ShippedEntry {
	readonly machineClass: MachineClassId;
	/** Folder of the version relative to `models/`, or path of its model.json. */
	readonly path: string;
	readonly id: string;
	/** File in the folder: how machines of the class fail, and its checksum. */
	readonly failures?: string;
	readonly failuresSha256?: string;
}

/** The app's base address, from the address of this worker's script. */
export function baseAddress(scriptAddress: string): string {
	return scriptAddress.replace(/\/(?:_app|src|@fs|@id|node_modules)\/.*$/, '/').replace(/[^/]*$/, '');
}

export class ModelSource {
	private index: Promise<readonly ShippedEntry[]> | undefined;
	private readonly loaded = new Map<string, Promise<ModelPackage>>();
	private readonly failures = new Map<string, Promise<FailureLibrary | undefined>>();
	private readonly shipped = new Map<string, Promise<ModelPackage | undefined>>();

	constructor(
		private readonly models: ModelStore,
		private readonly base: string,
		private readonly fetchFile: typeof fetch = (...args) => fetch(...args)
	) {}

	/** The version id that a machine is to use; undefined: none. Rejects only when storage fails. */
	async versionFor(machine: MachineRecord, assigned: string | undefined): Promise<ModelPackage | undefined> {
		if (assigned !== undefined) return this.stored(assigned);
		if (machine.machineClass === undefined) return undefined;
		return this.shippedFor(machine.machineClass);
	}

	/**
	 * How machines of its class fail, as this version sees them; undefined where nothing was shipped with it or it cannot be had now.
	 * Fetched once: an installed app has it offline. Rejects with `invalid-model` when the file is damaged or of another version.
	 */
	failuresFor({ id, origin, target }: ModelVersion): Promise<FailureLibrary | undefined> {
		if (origin !== 'shipped' || !('machineClass' in target)) return Promise.resolve(undefined);
		let found = this.failures.get(id);
		if (!found) {
			// No network now: tried again with the next machine.
			found = this.findFailures(id).catch((error: unknown) => {
				if (error instanceof MillwrightError && error.code === 'invalid-model') throw error;
				this.failures.delete(id);
				return undefined;
			});
			this.failures.set(id, found);
		}
		return found;
	}

	private async findFailures(id: string): Promise<FailureLibrary | undefined> {
		const entry = (await this.readIndex()).find((candidate) => candidate.id === id);
		if (!entry?.failures) return undefined;
		const answer = await this.get(new URL(entry.failures, this.folderOf(entry)));
		const bytes = await answer.arrayBuffer();
		const sha256 = await sha256Hex(bytes);
		if (sha256 !== entry.failuresSha256)
			throw new MillwrightError('invalid-model', `What is known of failures with ${id} is damaged (checksum differs)`, {
				expected: entry.failuresSha256,
				found: sha256
			});
		const library = JSON.parse(new TextDecoder().decode(bytes)) as FailureLibrary;
		if (library.format !== 3 || library.modelId !== id)
			throw new MillwrightError(
				'invalid-model',
				`What is known of failures belongs to ${library.modelId} (format ${library.format}), not to ${id}`
			);
		return library;
	}

	private folderOf({ path }: ShippedEntry): URL {
		return new URL(`models/${path.replace(/model\.json$/, '').replace(/\/?$/, '/')}`, this.base);
	}

	/** A stored version, read and checked once however many machines use it: what an id names never changes. */
	private stored(id: string): Promise<ModelPackage> {
		let loaded = this.loaded.get(id);
		if (!loaded) {
			loaded = this.models.load(id).then(verified);
			this.loaded.set(id, loaded);
			// What failed is tried again.
			loaded.catch(() => this.loaded.delete(id));
		}
		return loaded;
	}

	private shippedFor(machineClass: MachineClassId): Promise<ModelPackage | undefined> {
		let found = this.shipped.get(machineClass);
		if (!found) {
			found = this.findShipped(machineClass);
			this.shipped.set(machineClass, found);
			// Not found now (no network) may be found later.
			const forget = () => this.shipped.delete(machineClass);
			found.then((pkg) => pkg ?? forget(), forget);
		}
		return found;
	}

	private async findShipped(machineClass: MachineClassId): Promise<ModelPackage | undefined> {
		let entry: ShippedEntry | undefined;
		try {
			entry = (await this.readIndex()).find((candidate) => candidate.machineClass === machineClass);
			if (!entry) return undefined;
		} catch {
			return this.newestStored(machineClass);
		}
		const stored = (await this.models.versions()).find(({ id }) => id === entry.id);
		if (stored) return verified(await this.models.load(entry.id));
		const folder = this.folderOf(entry);
		const version = (await (await this.get(new URL('model.json', folder))).json()) as ModelVersion;
		const weights = await (await this.get(new URL('weights.bin', folder))).arrayBuffer();
		const pkg = await verified({ version, weights });
		await this.models.save({ version, weights: weights.slice(0) });
		return pkg;
	}

	private async newestStored(machineClass: MachineClassId): Promise<ModelPackage | undefined> {
		const versions = (await this.models.versions()).filter(
			({ target, origin }) => origin === 'shipped' && 'machineClass' in target && target.machineClass === machineClass
		);
		const newest = versions.sort((a, b) => b.createdAt - a.createdAt)[0];
		return newest && verified(await this.models.load(newest.id));
	}

	private readIndex(): Promise<readonly ShippedEntry[]> {
		this.index ??= this.get(new URL('models/index.json', this.base)).then((answer) => answer.json());
		this.index.catch(() => (this.index = undefined));
		return this.index;
	}

	private async get(address: URL): Promise<Response> {
		const answer = await this.fetchFile(address);
		if (!answer.ok) throw new MillwrightError('not-found', `${address.pathname} answered ${answer.status}`);
		return answer;
	}
}

/** The package, if its weights are the ones its version names; throws `invalid-model` otherwise. */
export async function verified(pkg: ModelPackage): Promise<ModelPackage> {
	const found = await sha256Hex(pkg.weights);
	if (found !== pkg.version.weightsSha256)
		throw new MillwrightError(
			'invalid-model',
			`The weights of model ${pkg.version.id} are damaged (checksum differs)`,
			{
				expected: pkg.version.weightsSha256,
				found
			}
		);
	return pkg;
}
