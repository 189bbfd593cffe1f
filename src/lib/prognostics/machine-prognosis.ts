/**
 * Prognostics Assessment of one machine without failure histories. In: its health reports in time order. Out: a `Prognosis`: the
 * health index extrapolated to its limit, or in words what is missing to say.
 */
import {
	eventHealthIndex,
	type EarlierPrognosis,
	type EpochMs,
	type FailureLibrary,
	type HealthReport,
	type HealthTrend,
	type MachineId,
	type Prognosis
} from '../contracts';
import { fewestPoints, fitTrend, reachedBy, scoreQuantile, type TrendFit } from './health-trend';
import { ScoreHistory } from './score-history';
import { FailureOutlooks, fewestLevels } from './similarity/failure-outlooks';
import { levelPoints, type LevelPoint } from './similarity/match-failures';
import { SensorLevels, residualsOf } from './similarity/sensor-levels';

const hourMs = 3_600_000;
/** Steps that one average begins with. */
const binSteps = 10;
/** Nothing is said of what lies further ahead. */
const furthestHours = 90 * 24;
const mostEarlier = 24;
/** Points whose mean says where health is now. */
const recentPoints = 3;
const futurePoints = 16;
/** A trend over weeks is not looked at every minute. */
const looksPerSpan = 120;

/** Score at which the index is what it is: index = 100 / (1 + (score / 2)^2), as Health Assessment has it. */
const scoreAtIndex = (index: number) => 2 * Math.sqrt(100 / index - 1);
const indexAtScore = (score: number) => 100 / (1 + (score / 2) ** 2);
const limit = scoreAtIndex(eventHealthIndex);

/** A row as it was judged: [sensors] in own units, NaN where nothing is known. */
export interface ObservedValues {
	readonly values: ArrayLike<number>;
	readonly breakBefore: boolean;
}

export class MachinePrognosis {
	private history: ScoreHistory;
	/** The same object until there is something new to say; undefined: to be looked at with the next row. */
	private latest: Prognosis | undefined;
	private earlier: EarlierPrognosis[] = [];
	private keepEvery = 1;
	private said = 0;
	private lookedAt: EpochMs = -Infinity;
	private refused: string | undefined;
	private onlyFollows = false;
	private failures:
		| {
				readonly library: FailureLibrary;
				readonly outlooks: FailureOutlooks;
				readonly levels: SensorLevels;
				readonly units: ArrayLike<number>;
		  }
		| undefined;

	constructor(
		private readonly machineId: MachineId,
		private readonly stepMs: number
	) {
		this.history = new ScoreHistory(binSteps * stepMs);
	}

	/**
	 * How machines of its kind fail, as the version that the reports come from sees it; `residualUnits`: own units of one deviation of that
	 * version's residuals.
	 */
	learnFailures(library: FailureLibrary, residualUnits: ArrayLike<number>): void {
		this.failures = {
			library,
			outlooks: new FailureOutlooks(library),
			levels: new SensorLevels(library.expectation),
			units: residualUnits
		};
	}

	/** From now on the course is taken down and nothing is said: of history, which costs too much to be told row by row and is past. */
	followOnly(): void {
		this.onlyFollows = true;
	}

	get knownFailures(): FailureLibrary | undefined {
		return this.failures?.library;
	}

	/** What should be known of failures cannot be used: said wherever nothing else is. */
	refuseFailures(reason: string): void {
		this.refused = reason;
	}

	/** Levels so far, oldest first: goes back in by `recall`. */
	get course(): LevelPoint[] {
		return levelPoints(this.history.points());
	}

	/**
	 * Scores as stored, oldest first (averages will do), and levels that an earlier run under the same version had seen, so that a reload
	 * forgets nothing. What was observed since the last score stays, and the next row is looked at in the light of all of it.
	 */
	recall(times: ArrayLike<EpochMs>, scores: ArrayLike<number>, course: readonly LevelPoint[] = []): void {
		this.latest = undefined;
		const observed = this.history.points();
		this.history = new ScoreHistory(binSteps * this.stepMs);
		for (let i = 0; i < times.length; i++) if (Number.isFinite(scores[i]!)) this.history.add(times[i]!, scores[i]!);
		const last = times.length > 0 ? times[times.length - 1]! : -Infinity;
		for (const { time, logScore } of observed) if (time > last) this.history.add(time, Math.exp(logScore));
		if (!this.failures) return;
		const width = 2 * this.failures.library.sensorNames.length;
		for (const { time, levels, rows } of [...course, ...levelPoints(observed)])
			if (levels.length === width) this.history.addLevels(time, levels, rows);
	}

	/** `row`: what the sensors said, for comparing with known failures. */
	observe(report: HealthReport, row?: ObservedValues): Prognosis {
		const levels = row && this.levelsOf(report, row);
		const closed = Number.isFinite(report.score) && this.history.add(report.time, report.score, levels);
		const due = closed && report.time - this.lookedAt >= this.history.span / looksPerSpan;
		if (!this.latest || (!this.onlyFollows && due)) {
			const said = this.look(report.time);
			const missing = said.missing && this.refused ? `${said.missing}. ${this.refused}` : said.missing;
			this.latest = { machineId: this.machineId, time: report.time, ...said, ...(missing && { missing }) };
			this.lookedAt = report.time;
		}
		return this.latest;
	}

	private levelsOf(report: HealthReport, { values, breakBefore }: ObservedValues): Float64Array | undefined {
		if (!this.failures) return undefined;
		const { levels, library, units } = this.failures;
		levels.take(values, breakBefore);
		if (!Number.isFinite(report.score) || levels.warmingUp) return undefined;
		return levels.levels(residualsOf(report, library.sensorNames, units));
	}

	private notEnough(): Omit<Prognosis, 'machineId' | 'time'> {
		const needed = fewestPoints * this.history.widthMs;
		const have = this.history.closedBins * this.history.widthMs;
		return {
			method: 'none',
			missing: `Not enough scored running yet: ${words(have)} of ${words(needed)}`
		};
	}

	private look(time: EpochMs): Omit<Prognosis, 'machineId' | 'time'> {
		const points = this.history.points();
		if (points.length < fewestPoints) return this.notEnough();
		const levels = levelPoints(points);
		const failure = this.failures?.outlooks.look(levels, time);
		if (failure) {
			if (failure.rulHours) this.remember({ time, ...failure.rulHours });
			return { ...failure, earlier: [...this.earlier] };
		}
		const fit = fitTrend(points);
		const recent = points.slice(-recentPoints).map(({ logScore }) => logScore);
		if (!fit && Math.exp(recent.reduce((sum, log) => sum + log, 0) / recent.length) >= limit)
			return { method: 'health-trend', rulHours: { median: 0, low: 0, high: 0 } };
		if (!fit)
			return {
				method: 'none',
				missing: 'Health shows no lasting downward trend, so there is nothing to extrapolate to its limit',
				// Where known failures have not been asked yet, that is too early to say.
				...((!this.failures || levels.length >= fewestLevels) && { nothingInSight: true })
			};
		const now = points.at(-1)!.time;
		const within = (hours: number) => reachedBy(fit, limit, now, now + hours * hourMs);
		const median = hoursUntil(within, 0.5);
		if (median > furthestHours)
			return {
				method: 'none',
				missing: 'Health falls so slowly that its limit lies more than 90 days ahead'
			};
		const high = hoursUntil(within, 0.95);
		const rulHours = { median, low: hoursUntil(within, 0.05), high: high > furthestHours ? Infinity : high };
		this.remember({ time: now, ...rulHours });
		return {
			method: 'health-trend',
			rulHours,
			eventProbability: { within24h: within(24), within72h: within(72), within7d: within(168) },
			trend: trendOf(fit, points, now, Math.min(furthestHours, Number.isFinite(high) ? high : 3 * median)),
			earlier: [...this.earlier]
		};
	}

	/** Keeps an even selection of what was said. */
	private remember(prognosis: EarlierPrognosis): void {
		if (this.said++ % this.keepEvery === 0) this.earlier.push(prognosis);
		if (this.earlier.length <= mostEarlier) return;
		this.earlier = this.earlier.filter((_, i) => i % 2 === 0);
		this.keepEvery *= 2;
	}
}

/** Hours at which `within` reaches `level`; Infinity when it never does in the time looked at. */
function hoursUntil(within: (hours: number) => number, level: number): number {
	if (within(10 * furthestHours) < level) return Infinity;
	let [low, high] = [1e-4, 10 * furthestHours];
	if (within(low) >= level) return 0;
	while (high > 1.001 * low) {
		const middle = Math.sqrt(low * high);
		if (within(middle) < level) low = middle;
		else high = middle;
	}
	return high;
}

function trendOf(
	fit: TrendFit,
	points: readonly { readonly time: EpochMs; readonly logScore: number }[],
	now: EpochMs,
	hours: number
): HealthTrend {
	const ahead = Math.max(hours * 1.15, 1e-3) * hourMs;
	return {
		since: fit.since,
		growth: fit.growth,
		past: points.map(({ time, logScore }) => ({ time, index: indexAtScore(Math.exp(logScore)) })),
		future: Array.from({ length: futurePoints + 1 }, (_, i) => {
			const time = now + (ahead * i) / futurePoints;
			const at = (level: number) => indexAtScore(scoreQuantile(fit, now, time, level));
			return { time, low: at(0.95), median: at(0.5), high: at(0.05) };
		})
	};
}

function words(ms: number): string {
	const minutes = ms / 60_000;
	if (minutes < 1) return `${Math.round(ms / 1000)} s`;
	return minutes < 120 ? `${Math.round(minutes)} min` : `${Math.round(minutes / 60)} h`;
}
