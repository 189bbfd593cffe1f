/**
 * State, pure: the ISA-18.2 / IEC 62682 figures of an alarm list.
 *
 * In: alarms of at least the last 24 hours and the time now. Out: alarms per hour against the rates an operator can
 * handle, which machines raise most, which alarms stand too long or come and go. No clock, no storage.
 */
import { isOpen, type Alarm, type AlarmPriority, type EpochMs, type MachineId } from '$lib/contracts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** ISA-18.2 table 5: about 6 alarms per hour and operator are acceptable, 12 the most that can be managed. */
export const acceptablePerHour = 6;
export const manageablePerHour = 12;
/** A flood begins above this many alarms in ten minutes. */
export const floodAbove = 10;
/** An alarm that stands longer than this is stale: it tells the operator nothing new. */
export const staleAfterMs = 24 * hourMs;
/** Chattering: the same alarm raised at least three times within one minute. */
const chatterRaises = 3;

export type AlarmRateLevel = 'acceptable' | 'demanding' | 'unmanageable';

export interface AlarmKpi {
	readonly lastHour: number;
	readonly last24Hours: number;
	/** Mean per hour over the last 24 hours, or over the observed time when that is shorter (at least one hour). */
	readonly perHourOver24: number;
	readonly levelLastHour: AlarmRateLevel;
	readonly level24: AlarmRateLevel;
	readonly flood: boolean;
	readonly topMachines: readonly { readonly machineId: MachineId; readonly count: number }[];
	/** Open for more than 24 hours, longest first. */
	readonly stale: readonly Alarm[];
	readonly chattering: readonly { readonly machineId: MachineId; readonly kind: Alarm['kind'] }[];
	/** Share 0-1 of the alarms of 24 hours by priority; the usual aim is near 80/15/5. All 0 when there are none. */
	readonly prioritySpread: Readonly<Record<AlarmPriority, number>>;
}

export function rateLevel(perHour: number): AlarmRateLevel {
	if (perHour <= acceptablePerHour) return 'acceptable';
	return perHour <= manageablePerHour ? 'demanding' : 'unmanageable';
}

/** `observedSince`: when this device began to watch; a young installation is not flattered by hours it never saw. */
export function computeAlarmKpi(alarms: readonly Alarm[], now: EpochMs, observedSince?: EpochMs): AlarmKpi {
	const day = alarms.filter((alarm) => alarm.raisedAt > now - 24 * hourMs && alarm.raisedAt <= now);
	const lastHour = day.filter((alarm) => alarm.raisedAt > now - hourMs).length;
	const observedHours = observedSince === undefined ? 24 : (now - observedSince) / hourMs;
	const perHourOver24 = day.length / Math.min(24, Math.max(1, observedHours));

	const byMachine = new Map<MachineId, number>();
	const byAlarm = new Map<string, Alarm[]>();
	const byPriority: Record<AlarmPriority, number> = { low: 0, medium: 0, high: 0 };
	for (const alarm of day) {
		byMachine.set(alarm.machineId, (byMachine.get(alarm.machineId) ?? 0) + 1);
		byPriority[alarm.priority] += 1;
		const key = `${alarm.kind} ${alarm.machineId}`;
		byAlarm.set(key, [...(byAlarm.get(key) ?? []), alarm]);
	}
	const topMachines = [...byMachine]
		.map(([machineId, count]) => ({ machineId, count }))
		.sort((a, b) => b.count - a.count || a.machineId.localeCompare(b.machineId))
		.slice(0, 5);
	const chattering = [...byAlarm.values()]
		.filter((group) => chatters(group.map((alarm) => alarm.raisedAt)))
		.map((group) => ({ machineId: group[0]!.machineId, kind: group[0]!.kind }));

	return {
		lastHour,
		last24Hours: day.length,
		perHourOver24,
		levelLastHour: rateLevel(lastHour),
		level24: rateLevel(perHourOver24),
		flood: day.filter((alarm) => alarm.raisedAt > now - 10 * minuteMs).length > floodAbove,
		topMachines,
		stale: alarms
			.filter((alarm) => isOpen(alarm) && alarm.raisedAt < now - staleAfterMs)
			.sort((a, b) => a.raisedAt - b.raisedAt),
		chattering,
		prioritySpread: {
			low: share(byPriority.low, day.length),
			medium: share(byPriority.medium, day.length),
			high: share(byPriority.high, day.length)
		}
	};
}

function share(part: number, whole: number): number {
	return whole === 0 ? 0 : part / whole;
}

function chatters(raisedAt: readonly EpochMs[]): boolean {
	const times = [...raisedAt].sort((a, b) => a - b);
	return times.some((time, i) => (times[i + chatterRaises - 1] ?? Infinity) - time <= minuteMs);
}
