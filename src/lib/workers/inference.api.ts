/**
 * What the page may ask of the inference worker.
 *
 * Every tab spawns one; the holder of `lockName('inference', workspace)` scores. It hears committed readings on the live
 * channel, catches up from storage for what it missed, runs the pipeline (manipulation -> detection -> health ->
 * prognostics -> advisory), stores score and health as derived series, spans and alarms, and posts verdicts to the channel.
 */
import type { AnomalyExplanation, EpochMs, ExpectedBands, MachineId, WorkspaceName } from '../contracts';

export interface InferenceApi {
	start(workspace: WorkspaceName): Promise<void>;
	stop(): Promise<void>;
	/** Posts the latest report of every machine to the live channel again (a tab that has just opened asks for it). */
	announce(): Promise<void>;
	/** Stored assignments changed: reload the model in use for this machine. */
	reloadModel(machineId: MachineId): Promise<void>;
	/** Which sensors an anomaly of [start, end] rests on, by the model's gradients; undefined when it cannot be told any more. */
	explain(machineId: MachineId, start: EpochMs, end: EpochMs): Promise<AnomalyExplanation | undefined>;
	/** What the model expected over a span; undefined without a model, or for a span too long to calculate. */
	expected(machineId: MachineId, from: EpochMs, to: EpochMs): Promise<ExpectedBands | undefined>;
}
