/**
 * Starts the LSTM engine with what this device has measured before, and keeps what it says of itself for Settings.
 */
import { backendReportKey, type EnginePurpose } from '../contracts';
import { startEngine, type Engine } from '../neural';
import type { CalibrationEntry } from '../neural/engine';
import type { Store } from '../storage/store';

/** @throws MillwrightError `backend-unavailable` when no backend works. */
export async function startRememberedEngine(purpose: EnginePurpose, store: Store): Promise<Engine> {
	const engine = await startEngine({
		purpose,
		calibrationCache: {
			get: (key) => store.settings.get<CalibrationEntry>(`calibration:${key}`),
			set: (key, entry) => store.settings.set(`calibration:${key}`, entry)
		}
	});
	await store.settings.set(backendReportKey(purpose), engine.report);
	return engine;
}
