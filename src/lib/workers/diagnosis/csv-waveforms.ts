/**
 * Diagnosis worker: a CSV of samples to columns.
 *
 * In: text with one column a channel, with or without a head line; comma, semicolon, tab or spaces between. Out: a Float32Array a channel. A cell that
 * is no number is refused with its line and column; nothing is filled in.
 */
import { cleanLevel, maximumWaveformSamples, MillwrightError, minimumWaveformSamples } from '../../contracts';

/** @throws MillwrightError `invalid-file` */
export function readWaveformCsv(text: string): { channels: string[]; columns: Float32Array[] } {
	const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
	if (lines.length === 0) throw new MillwrightError('invalid-file', 'The file is empty');
	const delimiter = [';', '\t', ','].find((candidate) => lines[0]!.includes(candidate)) ?? /\s+/;
	const cellsOf = (line: string) =>
		line
			.trim()
			.split(delimiter)
			.map((cell) => cell.trim().replace(/^"|"$/g, ''));
	// A comma inside a number is a decimal comma where something else separates the cells.
	const numberOf = (cell: string) => (cell === '' ? NaN : Number(delimiter === ',' ? cell : cell.replace(',', '.')));
	const first = cellsOf(lines[0]!);
	const headed = first.some((cell) => Number.isNaN(numberOf(cell)));
	const channels = first.map((cell, i) => (headed ? cleanLevel(cell || `channel-${i + 1}`) : `channel-${i + 1}`));
	if (new Set(channels).size !== channels.length)
		throw new MillwrightError('invalid-file', `Two columns have the same name: ${channels.join(', ')}`);
	const rows = lines.length - (headed ? 1 : 0);
	if (rows < minimumWaveformSamples)
		throw new MillwrightError(
			'invalid-file',
			`A waveform needs at least ${minimumWaveformSamples} samples; the file has ${rows}`
		);
	if (rows > maximumWaveformSamples)
		throw new MillwrightError(
			'invalid-file',
			`At most ${maximumWaveformSamples} samples make one waveform; the file has ${rows}`
		);
	const columns = channels.map(() => new Float32Array(rows));
	for (let row = 0; row < rows; row++) {
		const line = row + (headed ? 1 : 0);
		const cells = cellsOf(lines[line]!);
		if (cells.length !== channels.length)
			throw new MillwrightError(
				'invalid-file',
				`Line ${line + 1} has ${cells.length} values; ${channels.length} are expected`
			);
		for (let c = 0; c < cells.length; c++) {
			const value = numberOf(cells[c]!);
			if (!Number.isFinite(value))
				throw new MillwrightError(
					'invalid-file',
					`Line ${line + 1}, ${channels[c]}: "${cells[c]!.slice(0, 40)}" is not a number`
				);
			columns[c]![row] = value;
		}
	}
	return { channels, columns };
}
