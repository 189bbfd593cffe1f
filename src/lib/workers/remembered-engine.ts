/**
 * Starts the LSTM engine with what this device has measured before, and keeps what it says of itself for Settings.
 */
import { backendReportKey, type BackendReport, type EnginePurpose } from '../contracts';
import { startEngine, type Engine } from '../neural';
import type { CalibrationEntry } from '../neural/engine';
import type { Store } from '../storage/store';

/** @throws MillwrightError `backend-unavailable` when no backend works. */
export async function startRememberedEngine(purpose: EnginePurpose, store: Store): Promise<Engine> {
	const keep = (report: BackendReport) => store.settings.set(backendReportKey(purpose), report);
	const engine = await startEngine({
		purpose,
		// What is told is not worth failing for: the next start tells it again.
		onReport: (report) => void keep(report).catch(() => undefined),
		calibrationCache: {
			get: (key) => store.settings.get<CalibrationEntry>(`calibration:${key}`),
			set: (key, entry) => store.settings.set(`calibration:${key}`, entry)
		}
	});
	await keep(engine.report);
	return engine;
}
