/**
 * State: what the LSTM engine runs on for scoring and for training, as it last said on this device.
 */
import { backendReportKey, enginePurposes, type BackendReport, type EnginePurpose } from '$lib/contracts';
import type { Store } from '$lib/storage/store';

class BackendReports {
	#reports = $state.raw<Partial<Record<EnginePurpose, BackendReport>>>({});

	/** Undefined for a purpose that was never needed here. */
	of(purpose: EnginePurpose): BackendReport | undefined {
		return this.#reports[purpose];
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
