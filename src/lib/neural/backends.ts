/**
 * Neural: loads TensorFlow.js backends and registers our kernels with them. In: a backend's name. Out: what it runs on, or
 * an error saying why it cannot be used here. WASM files are assets of the app: nothing is fetched from anyone else.
 */
import '@tensorflow/tfjs-backend-cpu';
import { engine, env, findBackendFactory, registerBackend, removeBackend, setBackend } from '@tensorflow/tfjs-core';
import { MillwrightError } from '../contracts/error';
import type { Executor } from './executor';
import { registerCompiledKernels } from './kernels/compiled-kernels';
import { registerHostKernels } from './kernels/host-kernels';
import type { NetworkPlan } from './network-spec';
import { chooseBuild, compileLstmModule, loadLstmModule, useBuild, type LstmModule } from './wasm/module';

export type BackendName = 'webgpu' | 'wasm' | 'cpu';

/** What a backend runs on, and the compiled whole-network kernels where it has them. */
export interface LoadedBackend {
	readonly name: BackendName;
	readonly detail: string;
	readonly module?: LstmModule;
	/** Executors of the backend's own for whole networks; undefined for those that must go layer by layer. */
	readonly ownExecutor?: (plan: NetworkPlan, check: () => void) => Executor | undefined;
	/** Another backend, for networks with layers that this one has no kernels for. */
	readonly spare?: { readonly backend: LoadedBackend; isNeededFor(plan: NetworkPlan): boolean };
	/** True once the graphics device has gone. */
	readonly isLost?: () => boolean;
	/** True for a graphics adapter that is emulated on the processor. */
	readonly isSoftware?: boolean;
}

const loading = new Map<BackendName, Promise<LoadedBackend>>();

/** Loads a backend once per thread and makes it current. Throws `backend-unavailable`. */
export async function loadBackend(name: BackendName): Promise<LoadedBackend> {
	let pending = loading.get(name);
	if (!pending) {
		pending = load(name).catch((error: unknown) => {
			loading.delete(name);
			throw error instanceof MillwrightError && error.code === 'backend-unavailable' ? error : unavailable(name, error);
		});
		loading.set(name, pending);
	}
	const loaded = await pending;
	activateBackend(name);
	return loaded;
}

/**
 * The compiled kernels without relaxed multiply-adds, in place of those in use: what browsers may get wrong is left out, and little
 * is lost. Undefined where they are in use already. Throws `backend-unavailable`.
 */
export async function loadPlainSimd(): Promise<LoadedBackend | undefined> {
	if ((await loading.get('wasm'))?.module?.build !== 'relaxed') return undefined;
	useBuild('simd');
	loading.delete('wasm');
	return loadBackend('wasm');
}

/** Makes a loaded backend current. TensorFlow.js does this at once for a backend that has been initialised. */
export function activateBackend(name: BackendName): void {
	if (engine().backendName !== name) void setBackend(name);
}

async function load(name: BackendName): Promise<LoadedBackend> {
	if (name === 'cpu') {
		registerHostKernels('cpu');
		await start(name);
		return { name, detail: 'plain JavaScript' };
	}
	if (name === 'wasm') {
		const module = await loadModule();
		const wasm = await import('@tensorflow/tfjs-backend-wasm');
		// Threads need cross-origin isolation, bring nothing here (measured) and their worker is a blob the CSP may refuse.
		env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
		if (inBrowser()) {
			const { wasmFiles } = await import('./wasm-files');
			wasm.setWasmPaths(wasmFiles);
		}
		await start(name);
		registerCompiledKernels(module);
		registerHostKernels('wasm');
		return { name, detail: module.detail, module };
	}
	return loadWebGpu();
}

async function loadWebGpu(): Promise<LoadedBackend> {
	const name = 'webgpu';
	if (typeof navigator === 'undefined' || !navigator.gpu) throw unavailable(name, 'this browser has no WebGPU');
	const adapter = await navigator.gpu.requestAdapter();
	if (!adapter) throw unavailable(name, 'no graphics adapter answers');
	const [{ GpuExecutor, lacksGpuKernels, registerGpuKernels, supportsGpu }, backend] = await Promise.all([
		import('./webgpu'),
		loadBackend('wasm').catch(() => loadBackend('cpu')),
		import('@tensorflow/tfjs-backend-webgpu')
	]);
	if (deviceWasLost) renewBackend(name);
	registerGpuKernels();
	await start(name);
	const { device } = engine().backend as unknown as { device: GPUDevice };
	const { vendor, architecture, description, isFallbackAdapter } = device.adapterInfo ?? adapter.info;
	let lost = false;
	void device.lost.then(() => {
		lost = deviceWasLost = true;
		loading.delete(name);
	});
	return {
		name,
		detail: [vendor, architecture, description].filter(Boolean).join(' ') || 'unnamed adapter',
		isLost: () => lost,
		isSoftware: isFallbackAdapter || architecture === 'swiftshader',
		ownExecutor: (plan, check) => (supportsGpu(plan) ? new GpuExecutor(device, plan, check) : undefined),
		spare: { backend, isNeededFor: lacksGpuKernels }
	};
}

let deviceWasLost = false;

/** TensorFlow.js keeps a backend whose device is gone: makes it start anew. */
function renewBackend(name: BackendName): void {
	const factory = findBackendFactory(name);
	removeBackend(name);
	registerBackend(name, factory);
	deviceWasLost = false;
}

/** The compiled kernels: from the app's assets, or in Node from their sources (both specifiers are hidden from the bundler). */
async function loadModule(): Promise<LstmModule> {
	if (inBrowser()) return loadLstmModule();
	const [compiler, files] = ['./wasm/compile-assembly', 'node:fs/promises'];
	const { compileAssembly } = (await import(/* @vite-ignore */ compiler!)) as typeof import('./wasm/compile-assembly');
	const { readFile } = (await import(/* @vite-ignore */ files!)) as typeof import('node:fs/promises');
	const build = chooseBuild();
	return compileLstmModule(build, new Uint8Array(await readFile(await compileAssembly(build))));
}

async function start(name: BackendName): Promise<void> {
	if (!(await setBackend(name))) throw unavailable(name, 'TensorFlow.js could not start it');
}

function inBrowser(): boolean {
	return typeof process === 'undefined' || !process.versions?.node;
}

function unavailable(name: BackendName, reason: unknown): MillwrightError {
	const text = reason instanceof Error ? reason.message : ((reason as { message?: string })?.message ?? String(reason));
	return new MillwrightError('backend-unavailable', `Backend ${name} cannot be used: ${text.replace(/\.$/, '')}.`, {
		backend: name,
		reason: text
	});
}
