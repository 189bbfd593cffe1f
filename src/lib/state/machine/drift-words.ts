/** State: drift findings in words. */
import type { DriftKind } from '$lib/contracts';

export const driftWords: Record<DriftKind, string> = {
	'sensor-drift': 'A sensor drifts',
	'process-change': 'The process has changed',
	degradation: 'The machine degrades',
	unclear: 'Something has moved'
};
