/**
 * Inference: a machine gets its judge - a model, or the watch on its levels - and catches up with what is stored.
 *
 * In: a machine that waits. Out: its last ten minutes judged, its open alarm and span taken over, readings judged as they come; or a report
 * that says why nothing judges it.
 */
import {
	derivedSeries,
	isOpen,
	sensorIdOf,
	toPlainError,
	type Alarm,
	type EpochMs,
	type JudgingBasis,
	type LevelWatch,
	type ModelPackage
} from '../../contracts';
import { isActive } from '../../advisory';
import { leadInRowsOf, type RowPredictor } from '../../detection';
import { Resampler, learnStep } from '../../manipulation';
import type { LevelPoint } from '../../prognostics';
import { MachinePipeline, judgeDue } from '../../pipeline';
import { readRowsOf } from '../read-rows';
import { reportWithout, type MachineEntry } from './machine-entry';
import { breathe, takeVerdict, type ScoringParts } from './scoring-parts';

/** Scored when a machine is met; older history follows in the background. */
const recentMs = 10 * 60_000;
/** Scores that a prognosis looks back on. */
const recalledMs = 30 * 24 * 3_600_000;
const recalledPoints = 480;
const catchUpRows = 300;

interface CatchUp {
	readonly pipeline: MachinePipeline;
	readonly resampler: Resampler;
	readonly predictor: RowPredictor;
	readonly from: EpochMs;
	readonly to: EpochMs;
	readonly open: readonly Alarm[];
	/** True when rows before `from` have been judged already. */
	readonly resumed: boolean;
}

export class GoLive {
	constructor(private readonly parts: ScoringParts) {}

	/** Never rejects: what fails is the machine's problem, and is tried again later. */
	async prepare(entry: MachineEntry): Promise<void> {
		const { models, levels, now, detach } = this.parts;
		const machineId = entry.record.id;
		try {
			const pkg = await models.versionFor(entry.record, this.parts.assignmentOf(machineId));
			const watch = pkg ? undefined : await levels.watchOf(machineId);
			// A class without a shipped model now may get one later (no network at start).
			const retryAt = !pkg && entry.record.machineClass !== undefined ? now() : undefined;
			if (watch && entry.phase === 'live' && entry.scoring?.pipeline.version === watch) {
				entry.failedAt = retryAt;
				return;
			}
			detach(entry);
			entry.problem = undefined;
			entry.failedAt = retryAt;
			if (pkg) levels.leave(machineId);
			if (pkg ?? watch) return await this.begin(entry, pkg, watch);
			entry.phase = 'live';
			levels.want(entry);
			entry.report = reportWithout(entry, 'no-model', now(), levels.learning(machineId));
		} catch (error) {
			detach(entry);
			entry.phase = 'live';
			entry.buffered = [];
			entry.failedAt = now();
			entry.problem = toPlainError(error).message;
			entry.report = reportWithout(entry, 'no-model', now());
		}
	}

	private async begin(
		entry: MachineEntry,
		pkg: ModelPackage | undefined,
		watch: LevelWatch | undefined
	): Promise<void> {
		const { store, now, networks, writer } = this.parts;
		const machineId = entry.record.id;
		const basis: JudgingBasis = pkg?.version ?? watch!;
		entry.phase = 'catching-up';
		entry.buffered = [];
		const record = await writer.recordOf(machineId);
		const extent = await store.series.extent(machineId);
		const open = (await store.alarms.open()).filter((alarm) => alarm.machineId === machineId);
		entry.staleAlarm = open.find((alarm) => alarm.kind === 'stale' && isActive(alarm))?.id;
		const resampler = new Resampler({
			sensorNames: basis.scaler.sensorNames,
			stepMs: basis.stepMs,
			phase: record.phase
		});
		const pipeline = await this.pipelineFor(entry, basis, pkg);
		const predictor = networks.open(basis.id, pkg);
		if (extent) {
			const scoredTo = record.intervals[record.intervals.length - 1]?.[1] ?? Number.NEGATIVE_INFINITY;
			// What a level watch has learnt from, it has nothing to say of.
			const from = Math.max(extent.to - recentMs, scoredTo, watch?.to ?? Number.NEGATIVE_INFINITY);
			await this.refuseOtherRate(entry, basis.stepMs, extent.to);
			await this.catchUp(entry, {
				pipeline,
				resampler,
				predictor,
				from,
				to: extent.to,
				open,
				resumed: from === scoredTo || from === watch?.to
			});
		}
		if (this.parts.isStopped()) return;
		entry.scoring = { versionId: basis.id, pipeline, resampler };
		entry.phase = 'live';
		const buffered = entry.buffered;
		entry.buffered = [];
		for (const { sensorName, time, value, quality } of buffered) pushReading(entry, sensorName, time, value, quality);
		entry.report ??= reportWithout(entry, 'warming-up', now());
	}

	private async pipelineFor(
		entry: MachineEntry,
		basis: JudgingBasis,
		pkg: ModelPackage | undefined
	): Promise<MachinePipeline> {
		const { models, adaptations, drift } = this.parts;
		const machineId = entry.record.id;
		const pipeline = new MachinePipeline(
			machineId,
			basis,
			(name) => entry.sensors.find((sensor) => sensor.name === name)?.unit
		);
		if (pkg) {
			// A damaged library is refused and said; the machine is watched without it.
			const failures = await models.failuresFor(pkg.version).catch((error: unknown) => {
				pipeline.refuseFailures(toPlainError(error).message);
				return undefined;
			});
			if (failures) pipeline.learnFailures(failures);
			await drift.begin(machineId, basis.id, (name) => entry.sensors.find((sensor) => sensor.name === name)?.kind);
		}
		pipeline.adapted.set(await adaptations.adaptationOf(machineId, basis.id));
		return pipeline;
	}

	private async catchUp(entry: MachineEntry, job: CatchUp): Promise<void> {
		const { store, writer, drift, courses, now, write } = this.parts;
		const machineId = entry.record.id;
		const { pipeline, resampler, predictor } = job;
		const { stepMs } = pipeline.version;
		const leadFrom = job.from - leadInRowsOf(pipeline.version) * stepMs;
		const rows = await readRowsOf(store, machineId, resampler, leadFrom, Math.max(job.to, now()));
		// A network and smoothing that start cold take a fault for health: rows that only warm them are not written. What is
		// older than `from` and not judged yet is a hole that the history fills, warmed by what lies before it.
		const warmed = job.resumed || (rows[0]?.time ?? Infinity) <= leadFrom + 2 * stepMs;
		const lead = warmed ? rows.filter((row) => row.time <= job.from) : [];
		const fresh = rows.slice(lead.length);
		const { points, ownLevels, tail } = await courses.of(pipeline);
		await this.recallScores(pipeline, leadFrom, points);
		// After a longer absence the machine may have been worked on.
		if (job.resumed && ownLevels) pipeline.recallLevels(ownLevels);
		judgeDue(predictor, [{ pipeline, rows: lead }], (_, __, verdict) => takeVerdict(entry, verdict));
		// Rows of the lead have been counted when they were judged first.
		pipeline.tail.forget();
		if (tail) pipeline.tail.recall(tail);
		const alarm = job.open.find(
			(candidate) => candidate.kind === 'anomaly' && isOpen(candidate) && isActive(candidate)
		);
		const spans = await store.spans.list({ machineId, from: leadFrom, to: job.to });
		const span = pipeline.adopt(
			alarm,
			spans.find(({ end }) => end === undefined)
		);
		if (span && warmed) writer.addSpan(span);
		let before: EpochMs | undefined = job.resumed ? job.from : undefined;
		for (let start = 0; start < fresh.length; start += catchUpRows) {
			judgeDue(predictor, [{ pipeline, rows: fresh.slice(start, start + catchUpRows) }], (_, row, verdict) => {
				writer.add(machineId, verdict, { alarms: true });
				drift.add(machineId, verdict.detected);
				const from = row.breakBefore || before === undefined ? row.time : before;
				writer.markScored(machineId, [from, row.time], stepMs, resampler.phase);
				before = row.time;
				entry.scoredTo = row.time;
				takeVerdict(entry, verdict);
				entry.lastTime = Math.max(entry.lastTime ?? 0, row.time);
			});
			await breathe();
		}
		await write();
	}

	/** Tells the prognosis what is stored of the machine's scores, a month at most. */
	async recallScores(pipeline: MachinePipeline, to: EpochMs, course?: readonly LevelPoint[]): Promise<void> {
		const { series } = this.parts.store;
		// From the machine's first reading on: points spread over a month would tell little of an hour.
		const extent = await series.extent(pipeline.machineId);
		if (!extent) return;
		const [scores] = await series.query({
			sensorIds: [sensorIdOf(pipeline.machineId, derivedSeries.score)],
			from: Math.max(extent.from, to - recalledMs),
			to,
			maxPoints: recalledPoints
		});
		if (scores && scores.times.length > 0) pipeline.recallScores(scores.times, scores.mean, course);
	}

	/** A model of another rate would see held values and judge them as stuck: say so instead. */
	private async refuseOtherRate(entry: MachineEntry, stepMs: number, to: EpochMs): Promise<void> {
		const slices = await this.parts.store.series.query({
			sensorIds: entry.sensors.slice(0, 3).map(({ id }) => id),
			from: to - 100 * stepMs,
			to
		});
		let longest = new Float64Array() as Float64Array;
		for (const { times } of slices) if (times.length > longest.length) longest = times;
		const step = learnStep(longest);
		if (step !== undefined && step > stepMs * 2)
			throw new Error(
				`${entry.record.id} reports every ${step / 1000} s; its model was trained for every ${stepMs / 1000} s. Train one on its own data.`
			);
	}
}

export function pushReading(
	entry: MachineEntry,
	sensorName: string,
	time: EpochMs,
	value: number,
	quality: number
): void {
	const column = entry.scoring?.resampler.columnOf(sensorName);
	if (column !== undefined) entry.scoring!.resampler.push(column, time, value, quality);
}
