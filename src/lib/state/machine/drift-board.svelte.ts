/** State: what the drift tests say of every machine. In: stored drift records. Out: rows, findings first. Read anew every few seconds. */
import {
	driftKey,
	toPlainError,
	type DriftRecord,
	type DriftStatus,
	type MachineId,
	type PlainError
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';

const everyMs = 5_000;

export interface DriftRow {
	readonly machineId: MachineId;
	readonly status: DriftStatus;
}

export class DriftBoard {
	rows = $state.raw<readonly DriftRow[]>([]);
	problem = $state.raw<PlainError | undefined>(undefined);

	attach(store: Store): () => void {
		let ended = false;
		let timer: ReturnType<typeof setTimeout> | undefined;
		const turn = async () => {
			try {
				const machines = await store.registry.machines();
				const rows = await Promise.all(
					machines.map(async ({ id }) => ({ machineId: id, kept: await store.settings.get<DriftRecord>(driftKey(id)) }))
				);
				if (ended) return;
				this.rows = rows
					.flatMap(({ machineId, kept }) => (kept ? [{ machineId, status: kept.status }] : []))
					.sort((a, b) => Number(!!b.status.finding) - Number(!!a.status.finding));
				this.problem = undefined;
			} catch (error) {
				if (!ended) this.problem = toPlainError(error);
			}
			if (!ended) timer = setTimeout(() => void turn(), everyMs);
		};
		void turn();
		return () => {
			ended = true;
			clearTimeout(timer);
		};
	}
}
