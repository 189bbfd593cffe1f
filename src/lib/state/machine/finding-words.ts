/**
 * State, pure: what was found of the data, in words with times: "pump-3 sends nothing since 14:02; its broker session ended".
 */
import { splitSensorId, type DataFinding, type FindingKind, type SensorRecord } from '$lib/contracts';
import { formatCount, formatDuration, formatQuantity, formatTime, formatValue, sensorLabel } from '$lib/words';

export const findingTitles: Readonly<Record<FindingKind, string>> = {
	offline: 'Offline',
	silent: 'Silent',
	'flat-line': 'Flat line',
	'out-of-range': 'Impossible value',
	'bad-quality': 'Bad quality',
	'clock-skew': 'Clock off',
	unusual: 'Unusual value',
	duplicates: 'Sent twice',
	late: 'Late'
};

/** How much it matters: what is missing altogether, what is wrong, what is worth knowing. */
export const findingLevels: Readonly<Record<FindingKind, 'medium' | 'low' | 'note'>> = {
	offline: 'medium',
	silent: 'medium',
	'flat-line': 'medium',
	'out-of-range': 'low',
	'bad-quality': 'low',
	'clock-skew': 'low',
	unusual: 'note',
	duplicates: 'note',
	late: 'note'
};

export interface FindingWords {
	readonly sentence: string;
	/** What it means for the verdict, or what to do. */
	readonly advice: string;
}

export function findingWords(
	finding: DataFinding,
	sensor: Pick<SensorRecord, 'unit' | 'resolution'> | undefined,
	now: number
): FindingWords {
	const { kind, machineId, sensorId, reason, usualIntervalMs, value, range, count = 0, of = 0 } = finding;
	const machine = machineId.split('/').at(-1)!;
	const who = sensorId ? `${sensorLabel(splitSensorId(sensorId).sensorName)} of ${machine}` : machine;
	const since = formatTime(finding.since, now);
	const quantity = (number: number | undefined) => formatQuantity(number, sensor?.unit, sensor?.resolution);
	const span = range ? `${formatValue(range[0], sensor?.resolution)} to ${quantity(range[1])}` : '';
	const usually = usualIntervalMs ? ` (usually every ${intervalWords(usualIntervalMs)})` : '';
	switch (kind) {
		case 'offline':
			return {
				sentence: `${who} sends nothing since ${since}; ${reason ?? 'its source says that it is offline'}.`,
				advice: 'What is shown of it is the last that came. It counts as back with its next value.'
			};
		case 'silent':
			return {
				sentence: `${who} sends nothing since ${since}${usually}; nobody says why.`,
				advice: finding.together
					? `${formatCount(finding.together, 'other machine')} of the same place fell silent at the same moment: look for what they share, such as a gateway, a switch or their supply.`
					: sensorId
						? 'The machine’s other sensors still send: look at this sensor and its wiring.'
						: 'Check that it is switched on and that its network works.'
			};
		case 'late':
			return {
				sentence: `${who} is late: nothing since ${since}${usually}.`,
				advice: 'Often only a pause of the network.'
			};
		case 'flat-line':
			return {
				sentence: `${who} has not changed from ${quantity(value)} since ${since}, in ${formatCount(count, 'reading')}; before, it changed all the time.`,
				advice:
					'A sensor that hangs looks like this. The machine’s other sensors still move, so it is not standing still.'
			};
		case 'out-of-range':
			return {
				sentence: `${who} sent ${quantity(value)} at ${since}: outside ${span}, which is all it can measure. ${share(count, of)}`,
				advice: 'Stored as bad and not judged. Check sensor and wiring, or the range declared for it.'
			};
		case 'bad-quality':
			return {
				sentence: `The source itself calls ${who} ${reason ?? 'bad'}, last at ${since} (${quantity(value)}). ${share(count, of)}`,
				advice: 'Such values are stored as they came, and not judged.'
			};
		case 'clock-skew': {
			const off = formatDuration(Math.abs(finding.skewMs ?? 0));
			const ahead = (finding.skewMs ?? 0) > 0;
			return {
				sentence: ahead ? `The clock of ${who} is ${off} ahead.` : `The times of ${who} lie ${off} behind.`,
				advice: finding.corrected
					? 'The times stored are corrected for it. Set the clock of the source.'
					: ahead
						? 'Set the clock of the source: its values look newer than they are.'
						: 'Either its clock is behind, or it sends late. Its values look older than they may be.'
			};
		}
		case 'unusual':
			return {
				sentence: `${who} was ${quantity(value)} at ${since}; before, it had been within ${span}.`,
				advice: 'Far outside of all that it sent so far: a real event, or a sensor that reports its own fault.'
			};
		case 'duplicates':
			return {
				sentence: `${who} comes more than once: ${count.toLocaleString('en-GB')} of the last ${of.toLocaleString('en-GB')} readings were repeats.`,
				advice: 'Each is stored once. Often two gateways publish the same machine.'
			};
	}
}

function share(count: number, of: number): string {
	return `${count.toLocaleString('en-GB')} of its last ${of.toLocaleString('en-GB')} readings.`;
}

function intervalWords(ms: number): string {
	return ms < 950 ? `${(ms / 1000).toFixed(1)} s` : formatDuration(ms);
}
