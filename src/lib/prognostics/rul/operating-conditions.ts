/**
 * Prognostics: operating conditions. In: settings and sensors of training units. Out: the conditions that the settings fall
 * into, each with the mean and spread of every sensor under it, so that what is left of a sensor is the machine's age.
 *
 * Settings that jump between a few values (gaps wider than 3% of their range) split rows into conditions; settings that only
 * wander are one condition (Wang, Yu, Siegel & Lee 2008, "A similarity-based prognostics approach", PHM 2008, sec. III).
 */
import { MillwrightError, type OperatingConditions, type UnitHistory } from '../../contracts';
import { stepsLeft } from './life-features';

/** A gap in a setting's sorted values that is wider than this share of its range parts two values. */
const gapShare = 0.03;
/** A setting tells conditions apart when its levels explain this share of some sensor's variance; a rounded reading does not. */
const leastExplained = 0.3;
/** A condition with fewer rows than this joins its nearest neighbour. */
const fewestRows = 30;
const mostConditions = 64;
/** Correlation with remaining life below which a sensor says nothing about age. */
const leastTrend = 0.3;
const trendSpan = 15;

/** @throws MillwrightError `not-enough-data` when no sensor changes with age. */
export function learnConditions(
	units: readonly UnitHistory[],
	settings: number,
	sensors: number,
	capSteps: number
): OperatingConditions {
	const levels = Array.from({ length: settings }, (_, s) => levelsOf(units, settings, s));
	const telling = levels.flatMap((values, s) =>
		values.length > 1 && explainedShare(units, settings, sensors, s, values) > leastExplained ? [s] : []
	);
	const scale = telling.map((s) => smallestGap(levels[s]!));
	const centres = centresOf(units, settings, telling, levels);
	const conditions: OperatingConditions = { settings: telling, scale, centres, mean: [], deviation: [], sensors: [] };
	const { mean, deviation } = spreadOf(units, settings, sensors, conditions);
	const all = { ...conditions, mean, deviation, sensors: Array.from({ length: sensors }, (_, i) => i) };
	const ageing = all.sensors.filter(
		(sensor) => Math.abs(trendOf(units, { ...all, sensors: [sensor] }, capSteps)) > leastTrend
	);
	if (ageing.length === 0)
		throw new MillwrightError(
			'not-enough-data',
			'No sensor changes as these units age, so nothing can be learnt about their remaining life',
			{ sensors, units: units.length }
		);
	return { ...all, sensors: ageing };
}

/** Index of the condition a row of settings belongs to: the nearest centre. */
export function conditionAt(conditions: OperatingConditions, settings: ArrayLike<number>, offset: number): number {
	const { centres, settings: telling, scale } = conditions;
	let best = 0;
	let bestDistance = Infinity;
	for (let c = 0; c < centres.length; c++) {
		let distance = 0;
		for (let k = 0; k < telling.length; k++) {
			const d = (settings[offset + telling[k]!]! - centres[c]![k]!) / scale[k]!;
			distance += d * d;
		}
		if (distance < bestDistance) {
			bestDistance = distance;
			best = c;
		}
	}
	return best;
}

/**
 * The used sensors of a life, scaled by condition: [steps, conditions.sensors.length]. A missing value repeats the one before
 * it (0, the mean, before the first).
 */
export function scaleLife(conditions: OperatingConditions, unit: UnitHistory): Float32Array {
	const { sensors: used, mean, deviation } = conditions;
	const settings = unit.steps > 0 ? unit.settings.length / unit.steps : 0;
	const sensors = unit.steps > 0 ? unit.sensors.length / unit.steps : 0;
	const scaled = new Float32Array(unit.steps * used.length);
	for (let t = 0; t < unit.steps; t++) {
		const c = conditionAt(conditions, unit.settings, t * settings);
		for (let j = 0; j < used.length; j++) {
			const i = used[j]!;
			const value = unit.sensors[t * sensors + i]!;
			const spread = deviation[c]![i]!;
			if (Number.isFinite(value)) scaled[t * used.length + j] = spread > 0 ? (value - mean[c]![i]!) / spread : 0;
			else scaled[t * used.length + j] = t > 0 ? scaled[(t - 1) * used.length + j]! : 0;
		}
	}
	return scaled;
}

/** Centres of the groups that a setting's values fall into; one when they only wander. */
function levelsOf(units: readonly UnitHistory[], settings: number, setting: number): number[] {
	const values: number[] = [];
	for (const unit of units)
		for (let t = 0; t < unit.steps; t++) {
			const value = unit.settings[t * settings + setting]!;
			if (Number.isFinite(value)) values.push(value);
		}
	const sorted = Float64Array.from(values).sort();
	if (sorted.length === 0) return [0];
	const widest = gapShare * (sorted[sorted.length - 1]! - sorted[0]!);
	const groups: { sum: number; count: number }[] = [];
	for (let i = 0; i < sorted.length; i++) {
		if (i === 0 || sorted[i]! - sorted[i - 1]! > widest) groups.push({ sum: 0, count: 0 });
		const group = groups[groups.length - 1]!;
		group.sum += sorted[i]!;
		group.count++;
	}
	const kept = groups.filter(({ count }) => count >= Math.min(fewestRows, sorted.length));
	return kept.length > mostConditions ? [0] : kept.map(({ sum, count }) => sum / count);
}

/** Largest share, over sensors, of the variance that lies between a setting's levels (eta squared). */
function explainedShare(
	units: readonly UnitHistory[],
	settings: number,
	sensors: number,
	setting: number,
	levels: readonly number[]
): number {
	const split = spreadOf(units, settings, sensors, oneSetting(setting, levels));
	const whole = spreadOf(units, settings, sensors, oneSetting(setting, [0]));
	let most = 0;
	for (let i = 0; i < sensors; i++) {
		const total = whole.deviation[0]![i]! ** 2;
		const rows = split.count.reduce((sum, row) => sum + row[i]!, 0);
		const within = split.deviation.reduce((sum, row, c) => sum + (row[i]! ** 2 * split.count[c]![i]!) / rows, 0);
		if (total > 0) most = Math.max(most, 1 - within / total);
	}
	return most;
}

const oneSetting = (setting: number, levels: readonly number[]): OperatingConditions => ({
	settings: [setting],
	scale: [1],
	centres: levels.map((level) => [level]),
	mean: [],
	deviation: [],
	sensors: []
});

function smallestGap(levels: readonly number[]): number {
	let gap = Infinity;
	for (let i = 1; i < levels.length; i++) gap = Math.min(gap, levels[i]! - levels[i - 1]!);
	return gap;
}

/** The combinations of levels that occur often enough. */
function centresOf(
	units: readonly UnitHistory[],
	settings: number,
	telling: readonly number[],
	levels: readonly (readonly number[])[]
): number[][] {
	if (telling.length === 0) return [[]];
	const counts = new Map<string, { centre: number[]; count: number }>();
	for (const unit of units)
		for (let t = 0; t < unit.steps; t++) {
			const centre = telling.map((s) => nearest(levels[s]!, unit.settings[t * settings + s]!));
			const key = centre.join(' ');
			const entry = counts.get(key) ?? { centre, count: 0 };
			entry.count++;
			counts.set(key, entry);
		}
	const often = [...counts.values()].sort((a, b) => b.count - a.count).filter(({ count }) => count >= fewestRows);
	return (often.length > 0 ? often : [...counts.values()]).slice(0, mostConditions).map(({ centre }) => centre);
}

function nearest(levels: readonly number[], value: number): number {
	return levels.reduce((best, level) => (Math.abs(level - value) < Math.abs(best - value) ? level : best), levels[0]!);
}

function spreadOf(
	units: readonly UnitHistory[],
	settings: number,
	sensors: number,
	conditions: OperatingConditions
): { mean: number[][]; deviation: number[][]; count: number[][] } {
	const zeros = () => conditions.centres.map(() => new Array<number>(sensors).fill(0));
	const [mean, squares, count] = [zeros(), zeros(), zeros()];
	for (const unit of units)
		for (let t = 0; t < unit.steps; t++) {
			const c = conditionAt(conditions, unit.settings, t * settings);
			for (let i = 0; i < sensors; i++) {
				const value = unit.sensors[t * sensors + i]!;
				if (!Number.isFinite(value)) continue;
				// Welford 1962
				const n = ++count[c]![i]!;
				const delta = value - mean[c]![i]!;
				mean[c]![i]! += delta / n;
				squares[c]![i]! += delta * (value - mean[c]![i]!);
			}
		}
	const deviation = squares.map((row, c) =>
		row.map((sum, i) => {
			const spread = Math.sqrt(sum / Math.max(1, count[c]![i]!));
			return spread > 1e-6 * Math.abs(mean[c]![i]!) + 1e-9 ? spread : 0;
		})
	);
	return { mean, deviation, count };
}

/** Correlation of the smoothed sensor (the only one of `conditions.sensors`) with the capped remaining life, failed units only. */
function trendOf(units: readonly UnitHistory[], conditions: OperatingConditions, capSteps: number): number {
	let [n, sx, sy, sxx, syy, sxy] = [0, 0, 0, 0, 0, 0];
	for (const unit of units) {
		if (!unit.failed) continue;
		const scaled = scaleLife(conditions, unit);
		let smooth = 0;
		let weight = 0;
		for (let t = 0; t < unit.steps; t++) {
			smooth += (2 / (trendSpan + 1)) * (scaled[t]! - smooth);
			weight += (2 / (trendSpan + 1)) * (1 - weight);
			const x = smooth / weight;
			const y = Math.min(capSteps, stepsLeft(unit, t));
			n++;
			sx += x;
			sy += y;
			sxx += x * x;
			syy += y * y;
			sxy += x * y;
		}
	}
	const spread = Math.sqrt((sxx - (sx * sx) / n) * (syy - (sy * sy) / n));
	return spread > 0 ? (sxy - (sx * sy) / n) / spread : 0;
}
