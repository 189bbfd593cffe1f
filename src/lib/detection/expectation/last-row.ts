/**
 * State Detection: "the next row equals this one", where there is no network.
 *
 * In: the newest scaled row of each machine. Out: the same, as what is expected of its next one. Machines that are watched by their levels
 * alone go through the same pipeline as those with a model, with this in the network's place.
 */
import type { RowPredictor } from './predictor';

export class LastRow implements RowPredictor {
	private readonly last = new Map<string, Float32Array>();

	expectedOf(lane: string): Float32Array | undefined {
		return this.last.get(lane);
	}

	takeReconstruction(): undefined {
		return undefined;
	}

	reset(lane: string): void {
		this.last.delete(lane);
	}

	leave(lane: string): void {
		this.last.delete(lane);
	}

	step(lanes: readonly string[], inputs: readonly Float32Array[]): void {
		lanes.forEach((lane, i) => this.last.set(lane, inputs[i]!));
	}

	dispose(): void {
		this.last.clear();
	}
}
