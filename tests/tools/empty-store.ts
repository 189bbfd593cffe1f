/** An empty store for a browser test. All test files share one origin: another file's plant may still lie there. */
import { openStore } from '$lib/storage';
import type { WorkspaceName } from '$lib/contracts';
import type { Store } from '$lib/storage/store';

export async function openEmptyStore(workspace: WorkspaceName): Promise<Store> {
	await (await openStore(workspace)).destroy();
	return openStore(workspace);
}
