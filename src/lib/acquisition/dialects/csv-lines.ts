/**
 * Dialect: lines of delimited text. A header and rows (`ts,flow,pressure`); rows alone, whose header came once before on the topic;
 * rows of one named reading (`flow,41.2,l/min`); and pairs (`flow=41.2;pressure=3.1`). Values without any name are `column-1`, `column-2`.
 *
 * Between cells: semicolon, tab or comma, whichever splits the first line; with semicolons or tabs a comma is a decimal comma.
 */
import { describeValue, isMissingNumber, parseNumericText } from '../decode/numbers';
import { parseTimestamp, timeFieldKind } from '../decode/timestamps';
import { sensorNameOf, type TopicCache } from '../decode/topics';
import type { DecodeSink, Dialect, IncomingMessage, MachinePlace } from '../message';

const MAX_COLUMNS = 500;
const MAX_HEADERS = 20_000;
const PAIR = /^\s*([A-Za-z_][\w .-]{0,100}?)\s*[=:]\s*("?)([^"=]*)\2\s*$/;
const NAME = /^[A-Za-z_\u00c0-\u024f][\w .\-/()%\u00b0\u00c0-\u024f]{0,100}$/;

export function createCsvLines(topics: TopicCache): Dialect {
	/** The last header seen on a topic, for messages that hold rows alone. */
	const headers = new Map<string, readonly string[]>();
	return {
		id: 'csv-lines',
		title: 'CSV lines',
		levelsAreFree: true,
		claims: (_message, text, json) => json === undefined && text !== undefined && isDelimited(text),
		decode(message, text, _json, sink) {
			const place = topics.resolve(message.topic).machine;
			if (!place) return sink.reject('no-machine-in-topic', 'the topic names no machine');
			const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
			const delimiter = delimiterOf(lines[0]!)!;
			const rows = lines.map((line) => cellsOf(line, delimiter));
			if (rows.every((cells) => cells.every((cell) => PAIR.test(cell)))) {
				for (const cells of rows) decodePairs(message, place, cells, delimiter, sink);
				return;
			}
			let header = headers.get(message.topic);
			const [first] = rows;
			if (isHeader(first!)) {
				header = first!;
				if (headers.size >= MAX_HEADERS) headers.clear();
				headers.set(message.topic, header);
				rows.shift();
				sink.understood();
			}
			rows.forEach((cells, index) => decodeRow(message, place, cells, header, delimiter, index, sink));
		}
	};
}

function isDelimited(text: string): boolean {
	const end = text.search(/\r?\n/);
	const first = end < 0 ? text : text.slice(0, end);
	if (first.length > 20_000 || /^\s*[[{<]/.test(first)) return false;
	const delimiter = delimiterOf(first);
	if (delimiter === undefined) return false;
	const cells = cellsOf(first, delimiter);
	if (cells.length < 2) return false;
	// One line of words is a sentence; a header, rows of numbers and pairs are data.
	if (cells.every((cell) => PAIR.test(cell)))
		return cells.some((cell) => numberIn(PAIR.exec(cell)![3]!, delimiter) !== undefined);
	return cells.some((cell) => numberIn(cell, delimiter) !== undefined) || (end >= 0 && isHeader(cells));
}

function delimiterOf(line: string): string | undefined {
	return [';', '\t', ','].find((delimiter) => line.includes(delimiter));
}

function cellsOf(line: string, delimiter: string): string[] {
	return line.split(delimiter).map((cell) => cell.trim().replace(/^"(.*)"$/s, '$1'));
}

/** Names without a number among them, none twice. */
function isHeader(cells: readonly string[]): boolean {
	return (
		cells.every((cell) => NAME.test(cell) && !isMissingNumber(cell)) &&
		new Set(cells).size === cells.length &&
		cells.length <= MAX_COLUMNS
	);
}

/** With semicolons or tabs between cells a comma can only be a decimal one. */
function numberIn(cell: string, delimiter: string): number | undefined {
	return parseNumericText(delimiter === ',' ? cell : cell.replace(',', '.'));
}

function decodePairs(
	message: IncomingMessage,
	place: MachinePlace,
	cells: readonly string[],
	delimiter: string,
	sink: DecodeSink
): void {
	const pairs = cells.map((cell) => PAIR.exec(cell)!).map(([, name, , value]) => [name!, value!] as const);
	const time = timeAmong(message, pairs, sink);
	for (const [name, value] of pairs) {
		if (timeFieldKind(name) === 'certain' || (timeFieldKind(name) && parseTimestamp(value, message.receivedAt)))
			continue;
		emit(place, name, value, time, undefined, delimiter, `field '${name}'`, sink);
	}
}

function decodeRow(
	message: IncomingMessage,
	place: MachinePlace,
	cells: readonly string[],
	header: readonly string[] | undefined,
	delimiter: string,
	index: number,
	sink: DecodeSink
): void {
	const where = `line ${index + 1}`;
	if (cells.length > MAX_COLUMNS) return sink.reject('unknown-field', `${where}: more than ${MAX_COLUMNS} columns`);
	if (header && header.length === cells.length) {
		const pairs = header.map((name, i) => [name, cells[i]!] as const);
		const time = timeAmong(message, pairs, sink);
		for (const [name, value] of pairs)
			if (
				timeFieldKind(name) === undefined ||
				(timeFieldKind(name) === 'possible' && !parseTimestamp(value, message.receivedAt))
			)
				emit(place, name, value, time, undefined, delimiter, `${where}, '${name}'`, sink);
		return;
	}
	if (header) sink.reject('unknown-field', `${where}: ${cells.length} cells, but ${header.length} columns are named`);
	const timeAt = cells.findIndex((cell) => parseTimestamp(cell, message.receivedAt) !== undefined);
	const time = timeAt < 0 ? undefined : parseTimestamp(cells[timeAt], message.receivedAt);
	const rest = cells.filter((_, i) => i !== timeAt);
	const numbers = rest.filter((cell) => numberIn(cell, delimiter) !== undefined);
	const [name, ...others] = rest;
	// A name, its one number, perhaps a unit.
	if (numbers.length === 1 && name !== undefined && NAME.test(name) && rest.length <= 3) {
		const unit = others.find((cell) => numberIn(cell, delimiter) === undefined && cell !== '');
		return emit(place, name, numbers[0]!, time, unit, delimiter, where, sink);
	}
	rest.forEach((cell, i) => emit(place, `column-${i + 1}`, cell, time, undefined, delimiter, where, sink));
}

function timeAmong(
	message: IncomingMessage,
	pairs: readonly (readonly [name: string, value: string])[],
	sink: DecodeSink
): number | undefined {
	for (const [name, value] of pairs) {
		const kind = timeFieldKind(name);
		if (kind === undefined) continue;
		const time = parseTimestamp(value, message.receivedAt);
		if (time !== undefined) return time;
		if (kind === 'certain') sink.reject('invalid-time', `field '${name}': ${describeValue(value)} is no time`);
	}
	return undefined;
}

function emit(
	place: MachinePlace,
	name: string,
	cell: string,
	time: number | undefined,
	unit: string | undefined,
	delimiter: string,
	where: string,
	sink: DecodeSink
): void {
	// "Flow (l/min)" names its unit.
	const named = /^(.{1,80}?)\s*[([]([^()[\]]{1,16})[)\]]$/.exec(name);
	const value = numberIn(cell, delimiter);
	const said = unit ?? named?.[2]?.trim();
	if (value !== undefined)
		sink.value(place, sensorNameOf(named?.[1] ?? name), value, time, said ? { unit: said } : undefined);
	else if (isMissingNumber(cell)) sink.reject('not-a-number', `${where}: ${describeValue(cell)} is not a number`);
	else sink.reject('unknown-field', `${where}: ${describeValue(cell)} is no measured value`);
}
