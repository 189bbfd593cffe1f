/** State: verdicts in words. In: entries, figures. Out: text for a person. */
import type { AnomalyOutcome, KnownCause, VerdictEntry } from '$lib/contracts';
import { formatDuration } from '$lib/words';
import type { RealisedRate, Share } from './verdict-figures';

export const outcomeWords: Record<AnomalyOutcome, string> = {
	true: 'Real fault',
	false: 'False alarm',
	'known-cause': 'Known cause'
};

export const causeWords: Record<KnownCause, string> = {
	maintenance: 'Maintenance or cleaning',
	'product-change': 'Product or recipe change',
	'start-up': 'Start-up or commissioning',
	'sensor-work': 'Sensor moved, replaced or calibrated',
	'power-or-supply': 'Power or supply interruption',
	'test-run': 'Test run',
	weather: 'Weather or surroundings',
	other: 'Something else'
};

/** "Known cause: test run"; "Not judged yet". */
export function entryWords(entry: VerdictEntry | undefined): string {
	if (!entry?.outcome) return 'Not judged yet';
	return entry.cause
		? `${outcomeWords[entry.outcome]}: ${causeWords[entry.cause].toLowerCase()}`
		: outcomeWords[entry.outcome];
}

/** "at most one a week"; `perWeek` as in `falseAlarmChoices`. */
export function rateWords(perWeek: number): string {
	if (perWeek >= 6.5) return 'at most one a day';
	if (perWeek >= 0.9) return 'at most one a week';
	return perWeek > 0.2 ? 'at most one a month' : 'at most one in three months';
}

/** "80 % (38 to 96 %)". */
export function shareWords(share: Share | undefined): string {
	if (!share) return 'not known yet';
	const percent = (value: number) => Math.round(value * 100);
	return `${percent(share.value)} % (${percent(share.low)} to ${percent(share.high)} %)`;
}

/** Realised against chosen, in a sentence. */
export function standingWords(rate: RealisedRate | undefined): string {
	if (!rate) return 'Nothing has been watched yet.';
	const watched = formatDuration(rate.weeks * 7 * 24 * 3_600_000);
	const found = `${rate.falseAlarms} in ${watched} watched`;
	if (rate.standing === 'above') return `${found}: more than chosen.`;
	if (rate.standing === 'within') return `${found}: within what was chosen.`;
	return `${found}: too short to tell.`;
}
