/**
 * Data Acquisition, files: which columns of a table of lives are what. In: a table's columns and first rows. Out: the mapping proposed
 * to a person. C-MAPSS text files have no header and are known by their 26 columns.
 */
import type { LifeEnd, LifeMapping } from '../../contracts';
import { isLabel } from './csv-columns';
import type { TableSource } from './table-source';
import { timeLikelihood } from './written-times';

const unitName =
	/^(unit|engine|machine|asset|equipment|device|bearing|battery|run|trajectory)?[ _-]*(id|no|nr|nb|number)?$/i;
const orderName = /^(cycles?|time[ _]?(in[ _]?)?cycles?|steps?|t|hours?|age|operating[ _]?hours|flight|batch)$/i;
const settingName = /^(op(erating|erational)?[ _-]*)?(setting|set[ _]?point|condition|regime|mode)s?[ _-]*\d*$/i;
const remainingName =
	/^(rul|ttf|remaining([ _]?useful)?[ _]?life|time[ _]?to[ _]?failure|cycles?[ _]?(left|to[ _]?failure))$/i;

/** Names of the columns of a C-MAPSS file (Saxena & Goebel 2008, readme.txt of the data set). */
export const cmapssColumns: readonly string[] = [
	'unit',
	'cycle',
	...Array.from({ length: 3 }, (_, i) => `setting ${i + 1}`),
	...Array.from({ length: 21 }, (_, i) => `sensor ${i + 1}`)
];

/** 26 nameless columns, the first two whole numbers that count units and their rows: the layout of C-MAPSS. */
export function isCmapss({ columns, sample, delimiter }: TableSource): boolean {
	if (delimiter !== ' ' || columns.length !== cmapssColumns.length || !columns.every(isNameless)) return false;
	return sample.slice(0, 50).every(([unit, cycle]) => /^\d+$/.test(String(unit)) && /^\d+$/.test(String(cycle)));
}

const isNameless = (name: string) => /^column \d+$/.test(name);

/** `numeric`: columns that hold numbers. */
export function proposeLifeMapping(
	columns: readonly string[],
	numeric: ReadonlySet<string>,
	delimiter: string
): LifeMapping {
	const unitColumn = columns.find((name) => unitName.test(name.trim())) ?? '';
	const orderColumn =
		columns.find((name) => name !== unitColumn && orderName.test(name.trim())) ??
		columns.find((name) => name !== unitColumn && timeLikelihood(name) >= 2) ??
		'';
	const rest = columns.filter((name) => name !== unitColumn && name !== orderColumn && numeric.has(name));
	const remaining = rest.find((name) => remainingName.test(name.trim()));
	const label = columns.find((name) => name !== unitColumn && isLabel(name));
	const end: LifeEnd = remaining
		? { kind: 'remaining', column: remaining }
		: label
			? { kind: 'label', column: label }
			: { kind: 'last-row' };
	const settings = rest.filter((name) => settingName.test(name.trim()));
	return {
		delimiter,
		unitColumn,
		orderColumn,
		settings,
		sensors: rest.filter((name) => !settings.includes(name) && name !== remaining && !isLabel(name)),
		stepName: /hour|age/i.test(orderColumn)
			? 'hour'
			: /flight/i.test(orderColumn)
				? 'flight'
				: /cycle/i.test(orderColumn)
					? 'cycle'
					: 'step',
		end
	};
}
