/**
 * Neural: which backend to use. In: what the caller allows and wants. Out: a loaded backend that passed the self-test, with a
 * report of its measured rate and of every backend that was turned down, and why. Rates are measured once per device and
 * kept by the caller.
 */
import { version_core } from '@tensorflow/tfjs-core';
import { MillwrightError, toPlainError } from '../contracts/error';
import { loadBackend, loadPlainSimd, type BackendName, type LoadedBackend } from './backends';
import { createExecutor, createTensorExecutor } from './create-executor';
import type { RejectedBackend } from '../contracts/backend';
import type { BackendReport, CalibrationEntry, EngineOptions } from './engine';
import { calibrate, selfTest } from './self-test';

export interface Choice {
	readonly loaded: LoadedBackend;
	readonly report: BackendReport;
	/** Answers at once: the same backend, or where that is WebGPU another that has been loaded and tested. */
	readonly streams: LoadedBackend;
	/** What may be used when this one is lost. */
	readonly rest: readonly BackendName[];
	readonly options: EngineOptions;
}

/** A backend that passed its self-test. */
interface Tested {
	readonly loaded: LoadedBackend;
	/** See BackendReport. */
	readonly selfTestError?: number;
}

/** Raised when kernels change so much that old rates mislead. */
const calibrationVersion = 3;
/** Relative error at which a backend counts as wrong. */
const tolerance: Record<BackendName, number> = { wasm: 1e-4, webgpu: 1e-3, cpu: Infinity };
/** Rows of a calibration run: about 20 ms each where kernels are compiled, one slow run where they are not. */
const calibrationRows: Record<BackendName, number> = { wasm: 18, webgpu: 32, cpu: 1 };

/**
 * Backends given by the caller are tried in their order, and the first that is right is taken. Otherwise every backend that
 * suits the purpose is measured: scoring needs an answer at once, which WebGPU cannot give, so there it is not asked.
 * Throws `backend-unavailable` when none works.
 */
export async function chooseBackend(options: EngineOptions): Promise<Choice> {
	if (options.backends) return firstRight(options.backends, options, []);
	const rejected: RejectedBackend[] = [];
	const usable: Tested[] = [];
	for (const name of options.purpose === 'training' ? (['wasm', 'webgpu'] as const) : (['wasm'] as const)) {
		const tested = await tryBackend(name, rejected, options.softwareAdapters ?? false);
		if (tested) usable.push(tested);
	}
	if (usable.length === 0) usable.push({ loaded: await loadBackend('cpu') });
	// Nothing to choose from and nowhere to keep a rate: measuring would only delay the start.
	if (usable.length === 1 && !options.calibrationCache)
		return choiceOf(usable[0]!, undefined, rejected, ['cpu'], options);
	const candidates: (Tested & { rate: CalibrationEntry })[] = [];
	for (const tested of usable) candidates.push({ ...tested, rate: await rateFor(tested.loaded, options) });
	const measure = options.purpose === 'training' ? 'trainedWindowsPerSecond' : 'scoredWindowsPerSecond';
	candidates.sort((a, b) => b.rate[measure] - a.rate[measure]);
	const [best, ...others] = candidates;
	for (const other of others)
		rejected.push({
			backend: other.loaded.name,
			reason: `Slower here: ${Math.round(other.rate[measure])} windows/s against ${Math.round(best!.rate[measure])}.`
		});
	const streams = usable.find(({ loaded }) => loaded.name === 'wasm')?.loaded;
	const rest: BackendName[] = [...others.map(({ loaded }) => loaded.name), 'cpu'];
	return choiceOf(best!, best!.rate, rejected, rest, options, streams);
}

/** The next backend in line after one that failed while in use. */
export function nextBackend(choice: Choice, reason: string): Promise<Choice> {
	const failed = { backend: choice.report.backend, reason: `Failed while in use: ${reason}.` };
	const rest = choice.rest.length > 0 ? choice.rest : (['wasm', 'cpu'] as const);
	return firstRight(
		rest.filter((name) => name !== choice.report.backend),
		choice.options,
		[...choice.report.rejected, failed]
	);
}

async function firstRight(
	order: readonly BackendName[],
	options: EngineOptions,
	before: readonly RejectedBackend[]
): Promise<Choice> {
	const rejected = [...before];
	for (const [index, name] of order.entries()) {
		const tested = await tryBackend(name, rejected);
		if (!tested) continue;
		const known = await options.calibrationCache?.get(keyOf(tested.loaded));
		// It may have been turned down as the slower one before the faster was lost.
		const others = rejected.filter(({ backend, isWrong }) => isWrong || backend !== name);
		return choiceOf(tested, known, others, order.slice(index + 1), options);
	}
	throw new MillwrightError(
		'backend-unavailable',
		`No backend can be used. ${rejected.map(({ reason }) => reason).join(' ')}`,
		{ rejected }
	);
}

function choiceOf(
	{ loaded, selfTestError }: Tested,
	rate: CalibrationEntry | undefined,
	rejected: readonly RejectedBackend[],
	rest: readonly BackendName[],
	options: EngineOptions,
	/** The plain loops need no loading: the self-test has used them. */
	streams: LoadedBackend = { name: 'cpu', detail: 'plain JavaScript' }
): Choice {
	return {
		loaded,
		streams: loaded.name === 'webgpu' ? streams : loaded,
		report: { backend: loaded.name, detail: loaded.detail, selfTestError, ...rate, rejected },
		rest,
		options
	};
}

/** What the self-test has found in this thread. */
const right = new WeakSet<LoadedBackend>();
const wrong = new WeakSet<LoadedBackend>();

/** Loads and tests a backend; notes why it cannot be used. */
async function tryBackend(
	name: BackendName,
	rejected: RejectedBackend[],
	softwareAdapters = true
): Promise<Tested | undefined> {
	let loaded: LoadedBackend | undefined;
	try {
		const candidate = (loaded = await loadBackend(name));
		if (name === 'cpu') return { loaded };
		// It would run on the very cores that the compiled kernels use, and compiling its shaders takes it many seconds.
		if (loaded.isSoftware && !softwareAdapters)
			throw new MillwrightError('backend-unavailable', `Its adapter (${loaded.detail}) is emulated in software.`);
		await loadBackend('cpu');
		const selfTestError = await selfTest(
			(plan) => createExecutor(candidate, plan),
			(plan) => createTensorExecutor({ name: 'cpu' }, plan),
			tolerance[name]
		);
		const spare = loaded.spare && { ...loaded.spare, backend: await rightSpare(loaded.spare.backend, rejected) };
		const again = await loadBackend(name);
		right.add(again);
		return { loaded: spare ? { ...again, spare } : again, selfTestError };
	} catch (error) {
		const { code, message } = toPlainError(error);
		const isWrong = code === 'backend-wrong';
		if (isWrong && loaded) wrong.add(loaded);
		rejected.push({ backend: name, reason: message, ...(isWrong ? { isWrong, detail: loaded?.detail } : {}) });
		const plainer = isWrong && name === 'wasm' ? await loadPlainSimd().catch(() => undefined) : undefined;
		return plainer && tryBackend(name, rejected);
	}
}

/** What takes a network that a graphics device has no kernels for must be right as well: else the plain loops do. */
async function rightSpare(spare: LoadedBackend, rejected: RejectedBackend[]): Promise<LoadedBackend> {
	if (right.has(spare)) return spare;
	const tested = wrong.has(spare) ? undefined : await tryBackend(spare.name, rejected);
	return tested ? tested.loaded : loadBackend('cpu');
}

async function rateFor(loaded: LoadedBackend, options: EngineOptions): Promise<CalibrationEntry> {
	const key = keyOf(loaded);
	const known = await options.calibrationCache?.get(key);
	if (known) return known;
	const measured = await calibrate((plan) => createExecutor(loaded, plan), calibrationRows[loaded.name]);
	const rate = { ...measured, measuredAt: Date.now() };
	await options.calibrationCache?.set(key, rate);
	return rate;
}

function keyOf(loaded: LoadedBackend): string {
	const agent = typeof navigator === 'undefined' ? '' : navigator.userAgent;
	return [calibrationVersion, version_core, loaded.name, loaded.detail, agent].join('|');
}
