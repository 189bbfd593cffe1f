/**
 * Simulator: faults of the measurement itself, available for every class - the machine is well, its sensor is not.
 *
 * In: the true reading, severity. Out: what the transmitter sends. Each hits one sensor of the machine (or, for the
 * link, the whole message).
 */
import type { GrowthLawId } from './growth';

export interface SensorFaultMode {
	readonly id: 'sensor-drift' | 'sensor-stuck' | 'sensor-dropout' | 'link-dropout';
	readonly title: string;
	readonly mechanism: string;
	readonly law: GrowthLawId;
	readonly source: string;
}

export const sensorFaultModes: readonly SensorFaultMode[] = [
	{
		id: 'sensor-drift',
		title: 'Sensor drift',
		mechanism:
			'The sensor reads ever further off: at severity 1 by 15 % of its typical value plus ten times its noise.',
		law: 'linear',
		source: 'Balaban et al. 2009, IEEE Sensors Journal 9:1907-1917'
	},
	{
		id: 'sensor-stuck',
		title: 'Sensor stuck',
		mechanism: 'From severity 0.1 on the sensor repeats its last value, whatever the machine does.',
		law: 'linear',
		source: 'Balaban et al. 2009, IEEE Sensors Journal 9:1907-1917'
	},
	{
		id: 'sensor-dropout',
		title: 'Sensor dropout',
		mechanism: 'The field is missing from the message for stretches, more often as the contact gets worse.',
		law: 'linear',
		source: 'Balaban et al. 2009, IEEE Sensors Journal 9:1907-1917'
	},
	{
		id: 'link-dropout',
		title: 'Link dropout',
		mechanism: 'Whole messages are missing for stretches: a failing gateway or radio link.',
		law: 'linear',
		source: 'Gilbert 1960, Bell System Technical Journal 39:1253-1265 (bursts of loss)'
	}
];

/** Severity from which a stuck sensor no longer moves: the same at which it counts as detectable. */
export const STUCK_FROM = 0.1;
/** Steps in a burst of dropout. */
export const BURST_STEPS = 8;
/** Share of bursts that are lost at severity 1. */
export const LOST_SHARE = 0.9;
