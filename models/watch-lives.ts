/**
 * What the product's prognosis says, day by day, of simulated lives; and libraries of failures recorded from such lives.
 *
 * In: a model and planned lives. Out: one prognosis a day and machine beside the truth; paths of the score from a fault's beginning to the
 * failure (recording), and how sure to be of it, measured on other lives (calibration).
 */
import type { FailureCalibration, FailureLibrary, MachineClassId, ModelPackage, Prognosis } from '../src/lib/contracts';
import type { Engine } from '../src/lib/neural';
import { brierScore, calibrateProbabilities, calibrated, reliability, reportPath } from '../src/lib/prognostics';
import { dayMs, judgeLives, type PlannedLife } from './simulated-lives';

const hourMs = 3_600_000;
const points = 40;
/** The health index of the last three days, in pieces of six hours, for whoever wants a trend of it. */
const pieceHours = 6;
const pieceCount = 12;

/** One look at one machine. */
export interface DailyLook {
	readonly life: number;
	/** Hours to the failure; Infinity on a healthy machine. */
	readonly trueHours: number;
	/** The fault has begun. */
	readonly begun: boolean;
	readonly prognosis: Prognosis;
	/** Mean health index of the last days' pieces, oldest first, and how long a piece is. */
	readonly index: readonly number[];
	readonly indexHours: number;
}

/** From the third day on, at the first row of every day. */
export function watchLives(
	engine: Engine,
	machineClass: MachineClassId,
	pkg: ModelPackage,
	lives: readonly PlannedLife[],
	library: FailureLibrary | undefined
): DailyLook[] {
	const looks: DailyLook[] = [];
	const lastDay = lives.map(() => 1);
	const pieces = lives.map(() => [] as ({ sum: number; count: number } | undefined)[]);
	judgeLives(engine, machineClass, pkg, lives, library, (life, { report, prognosis }) => {
		const { failure, onset, end, start } = lives[life]!;
		const piece = Math.floor((report.time - start) / (pieceHours * hourMs));
		if (Number.isFinite(report.index)) {
			const into = (pieces[life]![piece] ??= { sum: 0, count: 0 });
			into.sum += report.index;
			into.count++;
		}
		// Whole days before the end, so that 72 hours ahead is looked at in every life.
		const day = Math.floor((report.time - end) / dayMs) + Math.floor((end - start) / dayMs);
		if (day <= lastDay[life]!) return;
		lastDay[life] = day;
		looks.push({
			life,
			trueHours: failure === undefined ? Infinity : (failure - report.time) / hourMs,
			begun: onset !== undefined && report.time > onset,
			prognosis,
			index: pieces[life]!.slice(Math.max(0, piece - pieceCount), piece).flatMap((one) =>
				one ? [one.sum / one.count] : []
			),
			indexHours: pieceHours
		});
	});
	return looks;
}

/** Paths of `lives` as the pipeline scores them. */
export function recordFailures(
	engine: Engine,
	machineClass: MachineClassId,
	pkg: ModelPackage,
	lives: readonly PlannedLife[],
	description: string
): FailureLibrary {
	const { sensorNames } = pkg.version.scaler;
	const width = 1 + sensorNames.length;
	const normal: Float64Array[] = [];
	const bins = lives.map(() => Array.from({ length: points }, () => ({ count: 0, sum: new Float64Array(width) })));
	const hour = lives.map(() => ({ key: 0, count: 0, sum: new Float64Array(width) }));
	judgeLives(engine, machineClass, pkg, lives, undefined, (life, { report }) => {
		const path = reportPath(sensorNames, report);
		if (!path) return;
		const { onset, failure } = lives[life]!;
		const share = onset === undefined ? -1 : (report.time - onset) / (failure! - onset);
		if (share >= 0) {
			const into = bins[life]![Math.min(points - 1, Math.round(share * (points - 1)))]!;
			into.count++;
			path.forEach((value, d) => (into.sum[d]! += value));
			return;
		}
		// Normal running in means of three hours: what a stretch of the past is made of.
		const mean = hour[life]!;
		const key = Math.floor(report.time / (3 * hourMs));
		if (key !== mean.key && mean.count > 0) {
			normal.push(mean.sum.map((sum) => sum / mean.count));
			mean.sum.fill(0);
			mean.count = 0;
		}
		mean.key = key;
		mean.count++;
		path.forEach((value, d) => (mean.sum[d]! += value));
	});
	const level = Array.from(
		{ length: width },
		(_, d) => normal.reduce((sum, path) => sum + path[d]!, 0) / normal.length
	);
	const spread = level.map((mean, d) =>
		Math.sqrt(normal.reduce((sum, path) => sum + (path[d]! - mean) ** 2, 0) / normal.length)
	);
	const two = (value: number) => Number(value.toFixed(3));
	return {
		modelId: pkg.version.id,
		sensorNames,
		points,
		normal: level.map(two),
		spread: spread.map(two),
		lives: lives.flatMap(({ fault, onset, failure }, life) => {
			if (fault === undefined) return [];
			// A machine that stood still leaves a point empty: it is what the one before it was.
			let last = Float64Array.from(level);
			return [
				{
					fault,
					hours: Math.round((failure! - onset!) / hourMs),
					path: bins[life]!.flatMap(({ count, sum }) => {
						if (count > 0) last = sum.map((value) => value / count);
						return Array.from(last, two);
					})
				}
			];
		}),
		description
	};
}

/** Widening at which nine of ten intervals hold the truth, and how good "within 7 days" is, on lives that the library does not hold. */
export function calibrateLibrary(looks: readonly DailyLook[], lives: number): FailureCalibration {
	const told = looks.filter(({ begun, prognosis }) => begun && prognosis.method === 'failure-library');
	const log = (hours: number) => Math.log(Math.min(hours, 90 * 24) + 1);
	const offs = told
		.map(({ trueHours, prognosis }) => log(trueHours) - log(prognosis.rulHours!.median))
		.sort((a, b) => a - b);
	const shift = offs[offs.length >> 1] ?? 0;
	const needed = told
		.map(({ trueHours, prognosis }) => {
			const { median, low, high } = prognosis.rulHours!;
			const off = log(trueHours) - log(median) - shift;
			const edge = log(off < 0 ? low : high) - log(median);
			return Math.abs(edge) < 1e-6 ? 10 : off / edge;
		})
		.sort((a, b) => a - b);
	const widen = needed[Math.min(needed.length - 1, Math.ceil(0.9 * (needed.length + 1)) - 1)] ?? 1;
	const curves = ([24, 72, 168] as const).map((hours, h) => {
		const of = ['within24h', 'within72h', 'within7d'] as const;
		const known = looks.filter(({ prognosis }) => prognosis.method === 'failure-library');
		return (
			calibrateProbabilities(
				known.map(({ prognosis }) => prognosis.eventProbability![of[h]!]),
				known.map(({ trueHours }) => (trueHours <= hours ? 1 : 0))
			) ?? null
		);
	});
	const said = looks.map(({ prognosis: { method, eventProbability } }) => {
		const raw = eventProbability?.within7d ?? 0;
		return method === 'failure-library' ? calibrated(curves[2] ?? undefined, raw) : raw;
	});
	const came = looks.map(({ trueHours }) => (trueHours <= 168 ? 1 : 0));
	return {
		shift: Number(shift.toFixed(3)),
		widen: Number(widen.toFixed(3)),
		within: curves.map(
			(curve) => curve && { slope: Number(curve.slope.toFixed(3)), offset: Number(curve.offset.toFixed(3)) }
		),
		brier: Number(brierScore(said, came).toFixed(4)),
		reliability: reliability(said, came).map(({ said: p, came: share, count }) => ({
			said: Number(p.toFixed(3)),
			came: Number(share.toFixed(3)),
			count
		})),
		lives
	};
}
