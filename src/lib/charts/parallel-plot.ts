/**
 * Parallel coordinates (Inselberg 1985) of a search's trials. In: trials and a box in pixels. Out: one axis for each thing that was
 * varied and one for the error, best at the top; one line a trial; which line lies under a finger.
 */
import { scaleLinear } from 'd3';
import type { RulTrial } from '../contracts';
import type { AxisTick, Box } from './xy-plot';

export interface ParallelAxis {
	readonly key: string;
	readonly title: string;
	/** Pixels from the left. */
	readonly at: number;
	readonly anchor: 'start' | 'middle' | 'end';
	readonly ticks: readonly AxisTick[];
	/** Ticks are all the values there are, to be chosen among. */
	readonly choices: boolean;
	/** Height that a finger has for each. */
	readonly touch: number;
	readonly yOf: (trial: RulTrial) => number;
	/** Label of the tick that the trial passes through. */
	readonly tickOf: (trial: RulTrial) => string;
}

export interface ParallelLine {
	readonly trial: RulTrial;
	readonly path: string;
	/** 0: least error. */
	readonly rank: number;
}

interface Choice {
	readonly key: string;
	readonly title: string;
	readonly label: (trial: RulTrial) => string;
	readonly order: (trial: RulTrial) => number;
}

const choices: readonly Choice[] = [
	{
		key: 'units',
		title: 'LSTM units',
		label: ({ units }) => units.join('-'),
		order: ({ units }) => units.reduce((sum, size) => sum + size, 0) + units.length / 10
	},
	{
		key: 'direction',
		title: 'Both ways',
		label: ({ bidirectional }) => (bidirectional ? 'yes' : 'no'),
		order: ({ bidirectional }) => Number(bidirectional)
	},
	{
		key: 'window',
		title: 'Window',
		label: ({ windowSteps }) => String(windowSteps),
		order: ({ windowSteps }) => windowSteps
	},
	{
		key: 'rate',
		title: 'Rate',
		label: ({ learningRate }) => String(learningRate),
		order: ({ learningRate }) => learningRate
	}
];

export function layOutParallel(
	trials: readonly RulTrial[],
	box: Box
): { readonly axes: readonly ParallelAxis[]; readonly lines: readonly ParallelLine[] } {
	const at = (k: number) => Math.round((k * box.width) / choices.length);
	const varied = choices.map(({ key, title, label, order }, k): ParallelAxis => {
		const values = [...new Map(trials.map((trial) => [label(trial), order(trial)]))].sort((a, b) => b[1] - a[1]);
		const gap = box.height / values.length;
		const ticks = values.map(([text], i) => ({ at: Math.round(gap * (i + 0.5)), label: text }));
		const yOf = (trial: RulTrial) => ticks.find((tick) => tick.label === label(trial))!.at;
		const anchor = k === 0 ? 'start' : 'middle';
		return { key, title, at: at(k), anchor, ticks, choices: true, touch: Math.min(48, gap), yOf, tickOf: label };
	});
	const errors = trials.map(({ rmse }) => rmse);
	const [least, most] = [Math.min(...errors), Math.max(...errors)];
	const y = scaleLinear([least, most > least ? most : least + 1], [8, box.height - 8]);
	const error: ParallelAxis = {
		key: 'error',
		title: `RMSE, ${trials[0]?.stepName ?? 'step'}s`,
		at: at(choices.length),
		anchor: 'end',
		ticks: y.ticks(5).map((value) => ({ at: Math.round(y(value)), label: String(value) })),
		choices: false,
		touch: 0,
		yOf: ({ rmse }) => Math.round(y(rmse)),
		tickOf: ({ id }) => id
	};
	const axes = [...varied, error];
	const ranked = [...trials].sort((a, b) => a.rmse - b.rmse);
	const lines = trials.map((trial) => ({
		trial,
		path: axes.map((axis, k) => `${k === 0 ? 'M' : 'L'}${axis.at},${axis.yOf(trial)}`).join(''),
		rank: ranked.indexOf(trial)
	}));
	return { axes, lines };
}

/** The trial whose line passes nearest to a point, within a finger's width; the better one where lines lie on one another. */
export function nearestTrial(
	lines: readonly ParallelLine[],
	axes: readonly ParallelAxis[],
	x: number,
	y: number
): RulTrial | undefined {
	const k = Math.max(0, Math.min(axes.length - 2, axes.findIndex(({ at }) => at > x) - 1));
	const [from, to] = [axes[k]!, axes[k + 1]!];
	const share = (x - from.at) / (to.at - from.at);
	let best: RulTrial | undefined;
	let least = 24;
	for (const { trial } of [...lines].sort((a, b) => a.rank - b.rank)) {
		const away = Math.abs(from.yOf(trial) + share * (to.yOf(trial) - from.yOf(trial)) - y);
		if (away < least) [best, least] = [trial, away];
	}
	return best;
}
