/** Neural: picks the fastest executor that a backend has for a network. In: a loaded backend and a plan. Out: an executor. */
import { activateBackend, type LoadedBackend } from './backends';
import { CompiledExecutor, supportsFused } from './compiled-executor';
import type { Executor } from './executor';
import type { NetworkPlan } from './network-spec';
import { TensorExecutor } from './tensor-executor';

/** `check` throws when the executor may no longer be used. */
export function createExecutor(loaded: LoadedBackend, plan: NetworkPlan, check: () => void = () => {}): Executor {
	if (loaded.module && supportsFused(plan)) return new CompiledExecutor(loaded.module, plan, check);
	const own = loaded.ownExecutor?.(plan, check);
	if (own) return own;
	if (loaded.spare?.isNeededFor(plan)) return createExecutor(loaded.spare.backend, plan, check);
	return createTensorExecutor(loaded, plan, check);
}

/** On tensors, layer by layer, whatever the backend. */
export function createTensorExecutor(
	{ name }: Pick<LoadedBackend, 'name'>,
	plan: NetworkPlan,
	check: () => void = () => {}
): TensorExecutor {
	const activate = () => {
		check();
		activateBackend(name);
	};
	return new TensorExecutor(plan, activate, name !== 'webgpu');
}
