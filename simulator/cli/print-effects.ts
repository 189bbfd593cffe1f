/**
 * Command line: prints the effect of every fault on every sensor at severity 1, as the classes declare them.
 */
import { machineClasses } from '../machines';
import { measureEffects } from '../measure-effects';

/** Smaller effects drown in normal variation and are not declared. */
const WORTH_DECLARING = 0.4;

for (const machineClass of machineClasses)
	for (const fault of machineClass.faults) {
		const measured = Object.entries(measureEffects(machineClass, fault, 1))
			.filter(([, effect]) => effect >= WORTH_DECLARING)
			.sort(([, a], [, b]) => b - a)
			.map(([name, effect]) => `${name}: ${effect.toFixed(1)}`);
		console.log(`${machineClass.id} ${fault.id} { ${measured.join(', ')} }`);
	}
