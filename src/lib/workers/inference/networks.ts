/**
 * Inference: one network per model version in use, whatever the number of machines.
 *
 * In: the judge of a machine. Out: what predicts its rows, built once, given back when no machine uses it any more.
 */
import type { MachineId, ModelPackage } from '../../contracts';
import { LastRow, Predictor, type RowPredictor } from '../../detection';
import type { Engine } from '../../neural';

export class Networks {
	private readonly byVersion = new Map<string, RowPredictor>();

	constructor(private readonly engine: Engine) {}

	get(versionId: string): RowPredictor | undefined {
		return this.byVersion.get(versionId);
	}

	/** `pkg` undefined: a level watch, which has no network. Throws `invalid-model` when the package cannot be used. */
	open(versionId: string, pkg: ModelPackage | undefined): RowPredictor {
		let network = this.byVersion.get(versionId);
		if (!network) {
			network = pkg ? new Predictor(this.engine, pkg) : new LastRow();
			this.byVersion.set(versionId, network);
		}
		return network;
	}

	/** Gives one machine's lane back; `lastUser`: no other machine uses the version. */
	leave(versionId: string, machineId: MachineId, lastUser: boolean): void {
		try {
			this.byVersion.get(versionId)?.leave(machineId);
		} catch {
			// Its stream is broken: it is being given up anyway.
		}
		if (lastUser) this.drop(versionId);
	}

	drop(versionId: string): void {
		const network = this.byVersion.get(versionId);
		this.byVersion.delete(versionId);
		try {
			network?.dispose();
		} catch {
			// It is gone either way.
		}
	}

	dispose(): void {
		for (const id of [...this.byVersion.keys()]) this.drop(id);
	}
}
