/**
 * Starts the LSTM engine with what this device has measured before, and keeps what it says of itself for Settings.
 */
import { backendReportKey, type BackendReport, type EnginePurpose } from '../contracts';
import { startEngine, type Engine } from '../neural';
import type { CalibrationEntry } from '../neural/engine';
import type { Store } from '../storage/store';

/** A measured rate is believed so long: browsers, drivers and the device's own state change. */
const calibrationDays = 30;

/** @throws MillwrightError `backend-unavailable` when no backend works. */
export async function startRememberedEngine(purpose: EnginePurpose, store: Store): Promise<Engine> {
	return start(purpose, store, (entry) => Date.now() - (entry.measuredAt ?? 0) < calibrationDays * 86_400_000);
}

/** Measures this device anew for a purpose. */
export async function measureAgain(purpose: EnginePurpose, store: Store): Promise<void> {
	const engine = await start(purpose, store, () => false);
	await engine.dispose();
}

async function start(
	purpose: EnginePurpose,
	store: Store,
	isGood: (entry: CalibrationEntry) => boolean
): Promise<Engine> {
	const key = backendReportKey(purpose);
	const keep = async (report: BackendReport) =>
		store.settings.set(key, withFormerRates(report, await store.settings.get<BackendReport>(key)));
	const engine = await startEngine({
		purpose,
		// What is told is not worth failing for: the next start tells it again.
		onReport: (report) => void keep(report).catch(() => undefined),
		calibrationCache: {
			get: async (name) => {
				const entry = await store.settings.get<CalibrationEntry>(`calibration:${name}`);
				return entry && isGood(entry) ? entry : undefined;
			},
			set: (name, entry) => store.settings.set(`calibration:${name}`, entry)
		}
	});
	await keep(engine.report);
	return engine;
}

/** What was measured the time before stands beside the new rates, as long as the same backend is in use. */
function withFormerRates(report: BackendReport, former: BackendReport | undefined): BackendReport {
	if (former?.backend !== report.backend || former.detail !== report.detail) return report;
	if (former.measuredAt === report.measuredAt) return { ...report, before: former.before };
	const { scoredWindowsPerSecond, trainedWindowsPerSecond, measuredAt } = former;
	return { ...report, before: { scoredWindowsPerSecond, trainedWindowsPerSecond, measuredAt } };
}
