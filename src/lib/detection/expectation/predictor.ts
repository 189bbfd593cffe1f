/**
 * State Detection: one model version on the engine, predicting for many machines at once.
 *
 * In: the newest scaled row of each machine that is due. Out: what the network expects of each one's next row. Every machine
 * has a lane that carries the LSTM state, so a reading costs one step, not a window.
 */
import {
	MillwrightError,
	type MachineId,
	type MemberName,
	type ModelPackage,
	type PredictorSpec
} from '../../contracts';
import type { Engine, Network, NetworkSpec, NetworkStream } from '../../neural/engine';
import { Reconstructor, reconstructorWeights } from './reconstructor';
import { WindowHistory } from './window-history';
import type { MemberRows } from '../ensemble/ensemble-detector';

/** The network of a predictor: LSTMs that return sequences and a dense head on every step, unless it names others. */
export function networkSpecOf(spec: PredictorSpec): NetworkSpec {
	if (spec.layers)
		return {
			features: spec.features,
			layers: spec.layers.map((layer) => (layer.kind === 'dense' ? layer : { ...layer, returnSequences: true }))
		};
	return {
		features: spec.features,
		layers: [
			...spec.units.map((units) => ({ kind: 'lstm' as const, units, returnSequences: true })),
			{ kind: 'dense' as const, units: spec.features, activation: 'linear' as const }
		]
	};
}

/** Builds the network of a version and loads its weights. Throws `invalid-model` when sizes or values are wrong. */
export function loadNetwork(engine: Engine, pkg: ModelPackage): Network {
	const { version } = pkg;
	const weights = new Float32Array(pkg.weights.slice(0, 4 * weightsAfter(pkg)));
	if (version.scaler.sensorNames.length !== version.spec.features)
		throw new MillwrightError(
			'invalid-model',
			`Model ${version.id} names ${version.scaler.sensorNames.length} sensors but its network has ${version.spec.features}`
		);
	const network = engine.createNetwork(networkSpecOf(version.spec), version.seed);
	try {
		network.weightShapes.forEach(({ name, shape }, k) => {
			const found = version.weights[k];
			if (found?.shape.join() !== shape.join())
				throw new MillwrightError(
					'invalid-model',
					`Layer ${name}: expected [${shape.join(', ')}], found ${found ? `${found.name} [${found.shape.join(', ')}]` : 'nothing'}.`,
					{ layer: name, expected: shape, found: found?.shape }
				);
		});
		network.setWeights(weights);
	} catch (error) {
		network.dispose();
		if (!(error instanceof MillwrightError)) throw error;
		throw new MillwrightError(error.code, `Model ${version.id} cannot be used. ${error.message}`, error.details);
	}
	return network;
}

/** Where the reconstructors' weights start, in numbers; throws `invalid-model` when there are too few for them. */
function weightsAfter({ version, weights }: ModelPackage): number {
	const others = (version.ensemble?.reconstructors ?? []).reduce((sum, spec) => sum + reconstructorWeights(spec), 0);
	const start = weights.byteLength / 4 - others;
	if (start < 0)
		throw new MillwrightError('invalid-model', `Model ${version.id} has fewer weights than its networks need`);
	return start;
}

/** What a pipeline asks of the network of its version; a lane is one machine's stream of rows. */
export interface RowPredictor {
	/** What is expected of the lane's next row, scaled; undefined before its first row. */
	expectedOf(lane: string): Float32Array | undefined;
	/** What the reconstructors, if any, could not give back of the newest rows; handed out once. */
	takeReconstruction(lane: string): MemberRows | undefined;
	/** Forgets the lane's state (after a gap). */
	reset(lane: string): void;
	/** Gives the lane back. */
	leave(lane: string): void;
	/** One step for the lanes named; `inputs[i]` is lane i's newest row, scaled. */
	step(lanes: readonly string[], inputs: readonly Float32Array[]): void;
	dispose(): void;
}

export class Predictor implements RowPredictor {
	private readonly network: Network;
	private stream: NetworkStream;
	private readonly lanes = new Map<MachineId, number>();
	private readonly freeLanes: number[] = [];
	private readonly expected = new Map<MachineId, Float32Array>();
	private readonly features: number;
	private readonly reconstructors: {
		readonly name: MemberName;
		readonly model: Reconstructor;
		readonly history: WindowHistory;
	}[] = [];
	private readonly unread = new Map<MachineId, MemberRows>();

	constructor(
		engine: Engine,
		readonly pkg: ModelPackage,
		lanes = 8
	) {
		this.features = pkg.version.spec.features;
		this.network = loadNetwork(engine, pkg);
		let at = weightsAfter(pkg);
		for (const spec of pkg.version.ensemble?.reconstructors ?? []) {
			const count = reconstructorWeights(spec);
			const weights = new Float32Array(pkg.weights.slice(4 * at, 4 * (at + count)));
			this.reconstructors.push({
				name: spec.kind === 'lstm-vae' ? 'vae' : 'autoencoder',
				model: new Reconstructor(engine, spec, weights),
				history: new WindowHistory(spec.windowSteps, spec.features, spec.hopRows)
			});
			at += count;
		}
		this.stream = this.network.openStream(lanes);
		for (let lane = lanes - 1; lane >= 0; lane--) this.freeLanes.push(lane);
	}

	expectedOf(machineId: MachineId): Float32Array | undefined {
		return this.expected.get(machineId);
	}

	takeReconstruction(machineId: MachineId): MemberRows | undefined {
		const rows = this.unread.get(machineId);
		this.unread.delete(machineId);
		return rows;
	}

	reset(machineId: MachineId): void {
		this.unread.delete(machineId);
		for (const { history } of this.reconstructors) history.forget(machineId);
		const lane = this.lanes.get(machineId);
		if (lane !== undefined) this.stream.reset(lane);
		this.expected.delete(machineId);
	}

	leave(machineId: MachineId): void {
		this.reset(machineId);
		const lane = this.lanes.get(machineId);
		if (lane !== undefined) this.freeLanes.push(lane);
		this.lanes.delete(machineId);
	}

	step(machineIds: readonly MachineId[], inputs: readonly Float32Array[]): void {
		const lanes = machineIds.map((id) => this.laneOf(id));
		const flat = new Float32Array(lanes.length * this.features);
		inputs.forEach((input, i) => flat.set(input, i * this.features));
		const outputs = this.stream.step(flat, lanes);
		machineIds.forEach((id, i) => {
			const expected = outputs.slice(i * this.features, (i + 1) * this.features);
			if (expected.every(Number.isFinite)) this.expected.set(id, expected);
			else this.reset(id);
		});
		this.reconstruct(machineIds, inputs);
	}

	private reconstruct(machineIds: readonly MachineId[], inputs: readonly Float32Array[]): void {
		for (const { name, model, history } of this.reconstructors) {
			const due = machineIds.filter((id, i) => history.add(id, inputs[i]!));
			if (due.length === 0) continue;
			const size = model.spec.windowSteps * this.features;
			const windows = new Float32Array(due.length * size);
			due.forEach((id, i) => history.take(id, windows, i * size));
			const residuals = model.residuals(windows, due.length);
			due.forEach((id, i) => this.unread.set(id, { ...this.unread.get(id), [name]: residuals[i]! }));
		}
	}

	get machines(): number {
		return this.lanes.size;
	}

	dispose(): void {
		this.stream.dispose();
		this.network.dispose();
		for (const { model } of this.reconstructors) model.dispose();
	}

	private laneOf(machineId: MachineId): number {
		const known = this.lanes.get(machineId);
		if (known !== undefined) return known;
		if (this.freeLanes.length === 0) this.grow();
		const lane = this.freeLanes.pop()!;
		this.stream.reset(lane);
		this.lanes.set(machineId, lane);
		return lane;
	}

	private grow(): void {
		const before = this.stream;
		const after = this.network.openStream(before.lanes * 2);
		for (let lane = 0; lane < before.lanes; lane++) after.restoreState(lane, before.saveState(lane));
		for (let lane = after.lanes - 1; lane >= before.lanes; lane--) this.freeLanes.push(lane);
		this.stream = after;
		before.dispose();
	}
}
