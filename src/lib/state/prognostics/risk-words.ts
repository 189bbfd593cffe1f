/** State: what a failure classifier says, in words. In: predictions, targets. Out: sentences and cells for a person and for a file. */
import {
	isFlagged,
	type FailureModelVersion,
	type RiskMethod,
	type RiskPrediction,
	type RiskReason,
	type RiskTargetFigures
} from '../../contracts';
import { formatShare, formatValue, sentence } from '../../words';

/** "Within 24 hours"; of a row: "Failure of a row". */
export function targetTitle({ horizonHours }: Pick<RiskTargetFigures, 'horizonHours'>): string {
	if (horizonHours === undefined) return 'Failure of a row';
	return horizonHours > 100 ? `Within ${horizonHours / 24} days` : `Within ${horizonHours} hours`;
}

const methods: Readonly<Record<RiskMethod, string>> = {
	forest: 'random forest',
	linear: 'logistic regression',
	lstm: 'LSTM'
};

export const methodWords = (method: RiskMethod): string => methods[method];

/** As a heading. */
export const methodTitle = (method: RiskMethod): string => sentence(methodWords(method));

export function pointsWords(points: number): string {
	const rounded = Math.round(points * 1000) / 10;
	return `${rounded < 0 ? '−' : '+'}${Math.abs(rounded).toFixed(1)} points`;
}

/** "Torque × speed 70000, higher than 95 % of what was learnt from". */
export function reasonWords({ feature, value, above }: RiskReason): string {
	const isWord = / is /.test(feature) && (value === 0 || value === 1);
	if (isWord) return value === 1 ? feature : feature.replace(' is ', ' is not ');
	const shown = `${feature}: ${formatValue(value)}`;
	if (above >= 0.75) return `${shown}, higher than ${formatShare(Math.min(above, 0.99))} of what was learnt from`;
	if (above <= 0.25) return `${shown}, lower than ${formatShare(Math.min(1 - above, 0.99))} of what was learnt from`;
	return `${shown}, as usual`;
}

/** The two strongest that raise it, for a table's cell. */
export function whyWords({ reasons }: RiskPrediction): string {
	if (!reasons) return '';
	const raising = reasons.filter(({ points }) => points >= 0.005).slice(0, 2);
	return raising.length === 0
		? 'nothing stands out'
		: raising.map((reason) => `${reasonWords(reason)} (${pointsWords(reason.points)})`).join('; ');
}

/** The likeliest mode, where any is likely at all. */
export function modeWords({ modes }: RiskPrediction): string {
	const [first] = modes;
	return first && first.probability >= 0.05 ? `${first.name} (${formatShare(first.probability)})` : '';
}

/** A person's table of predictions as a file: one line per row, RFC 4180. */
export function predictionsCsv(version: FailureModelVersion, predictions: readonly RiskPrediction[]): string {
	const quote = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
	const head = [
		version.features.kind === 'rows' ? 'row' : 'machine',
		...version.targets.map((target) =>
			target.horizonHours === undefined ? 'probability of failure' : `probability within ${target.horizonHours} h`
		),
		'visit worth it',
		...version.modes.map(({ name }) => `probability of ${name}`),
		'why'
	];
	const lines = predictions.map((prediction) => [
		prediction.id,
		...prediction.probabilities.map((p) => p.toFixed(4)),
		isFlagged(version, prediction) ? 'yes' : 'no',
		...version.modes.map(({ name }) => prediction.modes.find((mode) => mode.name === name)!.probability.toFixed(4)),
		whyWords(prediction)
	]);
	return [head, ...lines].map((line) => line.map(quote).join(',')).join('\r\n') + '\r\n';
}
