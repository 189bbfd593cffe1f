/**
 * Benchmarks: NASA's C-MAPSS files (Saxena et al. 2008). In: a folder and a subset such as FD001. Out: training and test
 * units, and the remaining life of each test unit after its last row. Reads text and gzip.
 */
import { join } from 'node:path';
import type { UnitHistories, UnitHistory } from '../../../src/lib/contracts';
import { readText } from './files';

const sensors = 21;
const settings = 3;

export function readCmapss(folder: string, subset: string, part: 'train' | 'test'): UnitHistories {
	const name = `${part}_${subset}.txt`;
	const rows = new Map<string, number[][]>();
	readText(join(folder, name))
		.split(/\r?\n/)
		.forEach((line, index) => {
			if (line.trim() === '') return;
			const cells = line.trim().split(/\s+/).map(Number);
			if (cells.length !== 2 + settings + sensors || cells.some(Number.isNaN))
				throw new Error(
					`${name} row ${index + 1}: expected ${2 + settings + sensors} numbers, found "${line.slice(0, 80)}"`
				);
			const unit = String(cells[0]);
			const life = rows.get(unit);
			if (life) life.push(cells);
			else rows.set(unit, [cells]);
		});
	const units: UnitHistory[] = [...rows].map(([unitId, life]) => ({
		unitId,
		steps: life.length,
		settings: Float32Array.from(life.flatMap((cells) => cells.slice(2, 2 + settings))),
		sensors: Float32Array.from(life.flatMap((cells) => cells.slice(2 + settings))),
		failed: part === 'train'
	}));
	return {
		sensorNames: Array.from({ length: sensors }, (_, i) => `sensor ${i + 1}`),
		settingNames: Array.from({ length: settings }, (_, i) => `setting ${i + 1}`),
		stepName: 'cycle',
		units
	};
}

export function readCmapssRul(folder: string, subset: string): number[] {
	return readText(join(folder, `RUL_${subset}.txt`))
		.split(/\s+/)
		.filter((cell) => cell !== '')
		.map(Number);
}
