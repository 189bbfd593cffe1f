/**
 * State: what the LSTM engine runs on for scoring and for training, as it last said on this device; and the
 * way to have that measured again.
 */
import {
	backendReportKey,
	enginePurposes,
	isAborted,
	toPlainError,
	type BackendReport,
	type EnginePurpose,
	type PlainError
} from '$lib/contracts';
import type { Store } from '$lib/storage/store';
import { session } from '../app/session.svelte';

class BackendReports {
	#reports = $state.raw<Partial<Record<EnginePurpose, BackendReport>>>({});

	/** Undefined for a purpose that was never needed here. */
	of(purpose: EnginePurpose): BackendReport | undefined {
		return this.#reports[purpose];
	}

	/** Share done while this device is being measured again. */
	measuring = $state<number | undefined>();
	/** Why it could not be measured. */
	problem = $state.raw<PlainError | undefined>();

	/** Never rejects. */
	async measure(): Promise<void> {
		if (this.measuring !== undefined) return;
		this.measuring = 0;
		this.problem = undefined;
		try {
			await session.training.measureEngine((done, of) => (this.measuring = done / of));
		} catch (error) {
			// The workspace was left, or a cancelled training took the worker with it.
			if (!isAborted(error)) this.problem = toPlainError(error);
		} finally {
			this.measuring = undefined;
		}
	}

	follow(store: Store): () => void {
		const ends = enginePurposes.map((purpose) =>
			store.settings.watch<BackendReport>(backendReportKey(purpose), (report) => {
				this.#reports = { ...this.#reports, [purpose]: report };
			})
		);
		return () => {
			for (const end of ends) end();
			this.#reports = {};
		};
	}
}

export const backendReports = new BackendReports();
