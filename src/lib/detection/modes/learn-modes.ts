/**
 * State Detection: which ways of running a machine has, found in its training rows.
 *
 * In: rows in own units with their sensors' kinds. Out: modes with the places of their load signals. Blocks of rows in which the load
 * is settled are grouped by density (DBSCAN: Ester, Kriegel, Sander, Xu, KDD 1996), so that the number of modes comes from the data:
 * groups are modes where a gap lies between them; a load that varies evenly is one mode.
 */
import { modeReach, type LearnedMode, type OperatingModes, type SensorKind } from '../../contracts';
import { isStopped } from './operating-mode';

/** What is commanded is preferred to what only follows: a fault can move the second kind. */
const commanded: ReadonlySet<SensorKind> = new Set(['speed', 'torque', 'position', 'state']);
const following: ReadonlySet<SensorKind> = new Set(['current', 'power', 'flow']);
/** A group smaller than this is passing through. */
const leastBlocks = 4;
const mostPoints = 40;
const mostBlocks = 4_000;
/** A block whose halves differ by more than this share of the range is a change, not a way of running. */
const settledWithin = 0.05;
const mostSignals = 3;

export interface ModeSource {
	readonly sensorNames: readonly string[];
	readonly kinds: readonly SensorKind[];
	readonly stoppedBelow?: readonly (number | null)[];
	/** In time order, own units, NaN where nothing is known. */
	readonly rows: readonly ArrayLike<number>[];
}

/** Undefined when no load signal varies, or there are too few settled rows. */
export function learnModes(source: ModeSource, blockRows = 30): OperatingModes | undefined {
	const { sensorNames, stoppedBelow } = source;
	const running = source.rows.filter((row) => !isStopped(stoppedBelow, row));
	const chosen = chooseSignals(source, running);
	if (chosen.length === 0) return undefined;
	const low = chosen.map(({ low }) => low);
	const range = chosen.map(({ range }) => range);
	const columns = chosen.map(({ column }) => column);
	const blocks: number[][] = [];
	const everywhere = runningPlaces(source, columns, low, range, blockRows);
	let block: ArrayLike<number>[] = [];
	for (const row of source.rows) {
		if (isStopped(stoppedBelow, row)) {
			block = [];
			continue;
		}
		block.push(row);
		if (block.length < blockRows) continue;
		const place = settledPlace(block, columns, low, range);
		if (place) blocks.push(place);
		block = [];
	}
	const stride = Math.max(1, Math.ceil(blocks.length / mostBlocks));
	const places = blocks.filter((_, i) => i % stride === 0);
	if (places.length < 2 * leastBlocks) return undefined;
	const groups = groupByDensity(places).filter((group) => group.length >= leastBlocks);
	if (groups.length === 0) return undefined;
	const settled = groups.reduce((sum, group) => sum + group.length, 0);
	const modes = groups
		.map((group): Omit<LearnedMode, 'id'> => {
			const members = group.map((i) => places[i]!);
			return {
				points: thin(members),
				typical: columns.map((_, s) => round(median(members.map((place) => place[s]!)) * range[s]! + low[s]!)),
				share: round(group.length / settled)
			};
		})
		.sort((a, b) => loadOf(a.typical, low, range) - loadOf(b.typical, low, range))
		.map((mode, i): LearnedMode => ({ id: `m${i + 1}`, ...mode }));
	return {
		sensorNames: columns.map((column) => sensorNames[column]!),
		low: low.map(round),
		range: range.map(round),
		blockRows,
		modes,
		passed: oftenPassed(everywhere),
		blocks: settled
	};
}

/** Means of half-overlapping blocks of unbroken running, settled or not. */
function runningPlaces(
	{ rows, stoppedBelow }: ModeSource,
	columns: readonly number[],
	low: readonly number[],
	range: readonly number[],
	blockRows: number
): number[][] {
	const places: number[][] = [];
	let block: ArrayLike<number>[] = [];
	for (const row of rows) {
		if (isStopped(stoppedBelow, row)) {
			block = [];
			continue;
		}
		block.push(row);
		if (block.length < blockRows) continue;
		const place = columns.map((column, s) => (meanOf(block, column) - low[s]!) / range[s]!);
		if (place.every(Number.isFinite)) places.push(place);
		block = block.slice(blockRows >> 1);
	}
	return places;
}

/** Thinned places that at least this share of running lies near. */
const passedShare = 0.01;

function oftenPassed(places: readonly (readonly number[])[]): number[][] {
	const least = Math.max(3, places.length * passedShare);
	return thin(places).filter((point) => {
		let near = 0;
		for (const place of places) if (distance(place, point) <= modeReach && ++near >= least) return true;
		return false;
	});
}

interface Signal {
	readonly column: number;
	readonly low: number;
	readonly range: number;
}

/** Up to three load signals that vary, commanded ones first; sensors without a kind count only where nothing else does. */
function chooseSignals({ kinds }: ModeSource, running: readonly ArrayLike<number>[]): Signal[] {
	for (const group of [commanded, following]) {
		const signals = kinds.flatMap((kind, column): Signal[] => {
			if (!group.has(kind)) return [];
			const values = running.map((row) => row[column]!).filter((value) => !Number.isNaN(value));
			if (values.length < 60) return [];
			const sorted = Float64Array.from(values).sort();
			const at = (share: number) => sorted[Math.floor(sorted.length * share)]!;
			const spread = at(0.99) - at(0.01);
			// A range below a fifth of the level would make much of little.
			const range = Math.max(spread, 0.2 * Math.abs(at(0.5)), 1e-9);
			return spread > 0 ? [{ column, low: at(0.01), range }] : [];
		});
		// A constant speed says nothing of the load: there what follows it has to do.
		const varying = signals.filter(({ column, range }) => spreadOf(running, column) > 0.25 * range);
		if (varying.length > 0) return varying.slice(0, mostSignals);
	}
	return [];
}

function spreadOf(rows: readonly ArrayLike<number>[], column: number): number {
	const sorted = Float64Array.from(rows.map((row) => row[column]!).filter((value) => !Number.isNaN(value))).sort();
	return sorted[Math.floor(sorted.length * 0.99)]! - sorted[Math.floor(sorted.length * 0.01)]!;
}

function settledPlace(
	block: readonly ArrayLike<number>[],
	columns: readonly number[],
	low: readonly number[],
	range: readonly number[]
): number[] | undefined {
	const half = block.length >> 1;
	const place: number[] = [];
	for (let s = 0; s < columns.length; s++) {
		const first = meanOf(block.slice(0, half), columns[s]!);
		const second = meanOf(block.slice(half), columns[s]!);
		// NaN (nothing known) is not settled either.
		if (!(Math.abs(first - second) <= settledWithin * range[s]!)) return undefined;
		place.push(((first + second) / 2 - low[s]!) / range[s]!);
	}
	return place;
}

/** Groups of indices; neighbours are places within `modeReach` in every signal. Places without two neighbours are left out. */
function groupByDensity(places: readonly (readonly number[])[]): number[][] {
	const order = places.map((_, i) => i).sort((a, b) => places[a]![0]! - places[b]![0]!);
	const groupOf = new Int32Array(places.length).fill(-1);
	const neighboursOf = (rank: number): number[] => {
		const place = places[order[rank]!]!;
		const found: number[] = [];
		for (const step of [-1, 1])
			for (let r = rank + step; r >= 0 && r < order.length; r += step) {
				const other = places[order[r]!]!;
				if (Math.abs(other[0]! - place[0]!) > modeReach) break;
				if (distance(other, place) <= modeReach) found.push(r);
			}
		return found;
	};
	const groups: number[][] = [];
	for (let start = 0; start < order.length; start++) {
		if (groupOf[start] !== -1) continue;
		if (neighboursOf(start).length < 2) continue;
		const group: number[] = [];
		const queue = [start];
		groupOf[start] = groups.length;
		while (queue.length > 0) {
			const rank = queue.pop()!;
			group.push(order[rank]!);
			const around = neighboursOf(rank);
			if (around.length < 2) continue;
			for (const next of around) {
				if (groupOf[next] !== -1) continue;
				groupOf[next] = groups.length;
				queue.push(next);
			}
		}
		groups.push(group);
	}
	return groups;
}

/** Largest difference in any signal, shares of its range. */
export function distance(a: readonly number[], b: readonly number[]): number {
	let most = 0;
	for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
	return most;
}

/** Few places that all the others lie within half a reach of; of very many, every n-th. */
function thin(members: readonly (readonly number[])[]): number[][] {
	const kept: number[][] = [];
	for (const place of members)
		if (!kept.some((other) => distance(other, place) <= modeReach / 2)) kept.push(place.map(round));
	const stride = Math.ceil(kept.length / mostPoints);
	return kept.filter((_, i) => i % stride === 0);
}

function meanOf(rows: readonly ArrayLike<number>[], column: number): number {
	let sum = 0;
	let count = 0;
	for (const row of rows) {
		const value = row[column]!;
		if (Number.isNaN(value)) continue;
		sum += value;
		count++;
	}
	return count === 0 ? Number.NaN : sum / count;
}

function median(values: number[]): number {
	return values.sort((a, b) => a - b)[values.length >> 1]!;
}

function loadOf(typical: readonly number[], low: readonly number[], range: readonly number[]): number {
	return typical.reduce((sum, value, i) => sum + (value - low[i]!) / range[i]!, 0);
}

function round(value: number): number {
	return Number(value.toPrecision(5));
}
