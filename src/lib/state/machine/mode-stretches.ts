/**
 * State: the stored mode codes as stretches with words, for the strip above the trends and the names on screens.
 *
 * In: change points of the series `~mode`, the version's modes, the names a person gave. Out: stretches in time order, and labels.
 */
import {
	firstLearnedCode,
	modeCodes,
	modeHeartbeatMs,
	nameOfMode,
	type EpochMs,
	type NamedMode,
	type OperatingModes,
	type SensorRecord
} from '$lib/contracts';
import type { ModeSpan } from '$lib/charts/trend-series';
import { formatQuantity, sensorLabel } from '$lib/words';

const kindWords: Record<ModeSpan['kind'], string> = {
	off: 'Off',
	'start-up': 'Start-up',
	changing: 'Changing',
	new: 'New',
	running: 'Running'
};

/** The name a person gave, or "Mode 2: speed 2650 rpm". */
export function labelOfMode(
	modes: OperatingModes | undefined,
	index: number,
	names: readonly NamedMode[],
	sensors: readonly Pick<SensorRecord, 'name' | 'unit' | 'resolution'>[]
): string {
	const mode = modes?.modes[index];
	if (!modes || !mode) return `Mode ${index + 1}`;
	const given = nameOfMode(modes, mode.typical, names);
	if (given) return given;
	if (modes.modes.length === 1) return 'Running';
	const name = modes.sensorNames[0]!;
	const sensor = sensors.find((one) => one.name === name);
	const value = formatQuantity(mode.typical[0], sensor?.unit, sensor?.resolution);
	return `Mode ${index + 1}: ${sensorLabel(name).toLowerCase()} ${value}`;
}

/** What the report says of the mode, in words. */
export function modeWords(
	report: { readonly mode: string; readonly modeId?: string | undefined },
	labelOf: (index: number) => string
): string {
	if (report.modeId === 'new') return 'New, not seen in training';
	const learned = /^m(\d+)$/.exec(report.modeId ?? '');
	if (learned && report.mode === 'running') return labelOf(Number(learned[1]) - 1);
	return kindWords[report.mode as ModeSpan['kind']] ?? report.mode;
}

/** `times` and `codes`: change points and repetitions, in order; `until`: how far the last one reaches. */
export function modeStretches(
	times: ArrayLike<EpochMs>,
	codes: ArrayLike<number>,
	until: EpochMs,
	labelOf: (index: number) => string
): ModeSpan[] {
	const stretches: { from: EpochMs; to: EpochMs; code: number }[] = [];
	for (let i = 0; i < times.length; i++) {
		const from = times[i]!;
		const to = Math.min(times[i + 1] ?? until, from + 1.5 * modeHeartbeatMs);
		if (!(to > from)) continue;
		const last = stretches.at(-1);
		if (last && last.code === codes[i] && last.to === from) last.to = to;
		else stretches.push({ from, to, code: codes[i]! });
	}
	return stretches.map(({ from, to, code }): ModeSpan => {
		if (code >= firstLearnedCode) {
			const index = code - firstLearnedCode;
			return { from, to, kind: 'running', index, label: labelOf(index) };
		}
		const kind = (Object.entries(modeCodes).find(([, known]) => known === code)?.[0] ?? 'running') as ModeSpan['kind'];
		return { from, to, kind, label: kindWords[kind] };
	});
}
