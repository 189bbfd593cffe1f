/**
 * Page of the remaining-life benchmarks: the product's own training worker, told by a benchmark what to learn from. Histories
 * come in as JSON with base64 columns, since that is what crosses from Node to a page.
 */
import type { RiskRequest, RulTrainingRequest, UnitHistories } from '../../../../src/lib/contracts';
import { spawnTraining } from '../../../../src/lib/workers/training.client';
import type { PackedHistories } from '../../data/pack-histories';

const training = spawnTraining();
const started = training.api.start('plant');
let progressNow: unknown;

function unpack({ units, ...rest }: PackedHistories): UnitHistories {
	const floats = (text: string) =>
		new Float32Array(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer);
	return {
		...rest,
		units: units.map((unit) => ({ ...unit, settings: floats(unit.settings), sensors: floats(unit.sensors) }))
	};
}

/** A request as JSON. */
interface RiskTask extends Omit<RiskRequest, 'rows' | 'labels' | 'machines'> {
	readonly rows: number[];
	readonly labels: number[];
	readonly machines?: { readonly machine: number[]; readonly role: number[]; readonly steps: number };
}

Object.assign(window, {
	rulBench: {
		async train(request: Omit<RulTrainingRequest, 'histories'> & { histories: PackedHistories }) {
			await started;
			const { version } = await training.api.trainRul(
				'bench',
				{ ...request, histories: unpack(request.histories) },
				(progress) => (progressNow = progress)
			);
			return version;
		},
		async estimate(modelId: string, histories: PackedHistories) {
			await started;
			return training.api.estimateRul(modelId, unpack(histories));
		},
		async risk({ machines, ...request }: RiskTask) {
			await started;
			const { probabilities, ...figures } = await training.api.evaluateRisk(
				'bench',
				{
					...request,
					rows: Float64Array.from(request.rows),
					labels: Uint8Array.from(request.labels),
					machines: machines && {
						machine: Uint16Array.from(machines.machine),
						role: Uint8Array.from(machines.role),
						steps: machines.steps
					}
				},
				() => undefined
			);
			const { forest, lstm, linear } = probabilities;
			return { ...figures, probabilities: { forest: [...forest], lstm: lstm && [...lstm], linear: [...linear] } };
		},
		progress: () => progressNow
	}
});
