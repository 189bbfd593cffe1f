/** State: verdicts in words. In: entries, figures. Out: text for a person. */
import {
	leastWatchedHours,
	type AnomalyOutcome,
	type KnownCause,
	type VerdictEntry,
	type WatchedRunning
} from '$lib/contracts';
import { formatDuration } from '$lib/words';
import type { RealisedRate, Share } from './verdict-figures';

const weekMs = 7 * 24 * 3_600_000;

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

/** "1 judged false, 2 not judged, in 9 days of running". */
export function countWords({ falseAlarms, unconfirmed, weeks }: RealisedRate): string {
	const open = unconfirmed > 0 ? `, ${unconfirmed} not judged,` : '';
	return `${falseAlarms || 'none'} judged false${open} in ${formatDuration(weeks * weekMs)} of running`;
}

/** "0.8 to 2.3 a week (95 %: 0.02 to 6.7)". */
export function realisedWords({ perWeek, perWeekAtMost, low, high }: RealisedRate): string {
	const most = perWeekAtMost > perWeek ? ` to ${rateDigits(perWeekAtMost)}` : '';
	return `${rateDigits(perWeek)}${most} a week (95 %: ${rateDigits(low)} to ${rateDigits(high)})`;
}

function rateDigits(perWeek: number): string {
	return perWeek === 0 ? '0' : perWeek.toFixed(perWeek < 0.1 ? 2 : perWeek < 10 ? 1 : 0);
}

/** What the counts say of the chosen rate. */
export function standingWords({ standing, weeks, chosenPerWeek }: RealisedRate): string {
	if (standing === 'above') return 'More than chosen.';
	if (standing === 'within') return 'Within what was chosen.';
	const missing = 1 / chosenPerWeek - weeks;
	return missing > 0
		? `Not enough yet to tell: it takes another ${formatDuration(missing * weekMs)} of running.`
		: 'Not enough yet to tell: it may be chance.';
}

/** Where normal running has the chosen rate; or what is missing to say so. */
export function chosenLevelWords(watched: WatchedRunning | undefined): string {
	const found = watched?.chosenLevel;
	if (found)
		return `by ${found.peaks} peaks of this machine's normal running the chosen rate lies at × ${found.level.toFixed(2)} (80 %: ${found.low.toFixed(2)} to ${found.high.toFixed(2)})`;
	const hours = watched?.hours ?? 0;
	return hours < leastWatchedHours
		? `moved by what this machine's normal running shows once there is a day of it${hours > 0 ? ` (${formatDuration(hours * 3_600_000)} so far)` : ''}`
		: "too few peaks of this machine's normal running yet to move it";
}
