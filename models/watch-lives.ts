/**
 * What the product's prognosis says, day by day, of simulated lives. In: a model, what is known of failures, and planned lives. Out: one
 * prognosis a day and machine beside the truth, and the product's alarm as it stood then.
 */
import { adviseFailure, applyChange, isActive, statementOfKnownFailures } from '../src/lib/advisory';
import type {
	Alarm,
	EpochMs,
	FailureLibrary,
	HealthReport,
	MachineClassId,
	ModelPackage,
	Prognosis
} from '../src/lib/contracts';
import type { Engine } from '../src/lib/neural';
import { dayMs, judgeLives, rowMs, type PlannedLife } from './simulated-lives';

const hourMs = 3_600_000;
/** The health index of the last three days, in pieces of six hours, for whoever wants a trend of it. */
const pieceHours = 6;
const pieceCount = 12;

/** One look at one machine. */
export interface DailyLook {
	readonly life: number;
	/** Hours to the failure; Infinity on a healthy machine. */
	readonly trueHours: number;
	/** The fault has begun. */
	readonly begun: boolean;
	readonly prognosis: Prognosis;
	/** The alarm that a failure is expected stands. */
	readonly expected: boolean;
	/** Hours from the first such alarm of the machine to its failure; undefined: none was raised yet. */
	readonly firstExpectedHours?: number;
	/** Mean health index of the last days' pieces, oldest first, and how long a piece is. */
	readonly index: readonly number[];
	readonly indexHours: number;
}

/** From the third day on, at the last row of every day, days counted back from the end: the third before it is 72 hours ahead. */
export function watchLives(
	engine: Engine,
	machineClass: MachineClassId,
	pkg: ModelPackage,
	lives: readonly PlannedLife[],
	library: FailureLibrary | undefined
): DailyLook[] {
	const looks: DailyLook[] = [];
	const lastDay = lives.map(() => 1);
	const alarms = lives.map((_, life) => new ExpectedFailure(`${life}`));
	const pieces = lives.map(() => [] as ({ sum: number; count: number } | undefined)[]);
	judgeLives(engine, machineClass, pkg, lives, library, (life, { report, prognosis }) => {
		const { failure, onset, end, start } = lives[life]!;
		// It has failed: there is nothing left to foretell.
		if (failure !== undefined && report.time >= failure) return;
		const alarm = alarms[life]!;
		alarm.take(prognosis, report);
		const hoursFrom = (time: EpochMs) => (failure === undefined ? Infinity : (failure - time) / hourMs);
		const piece = Math.floor((report.time - start) / (pieceHours * hourMs));
		if (Number.isFinite(report.index)) {
			const into = (pieces[life]![piece] ??= { sum: 0, count: 0 });
			into.sum += report.index;
			into.count++;
		}
		// A row is the last of its day if the next one is of another; where it is lost, the day is told from the next.
		const day = Math.floor((report.time + rowMs - end) / dayMs) + Math.floor((end - start) / dayMs);
		// The end itself is none: a quarter of an hour before it there is nothing left to foretell.
		if (day <= lastDay[life]! || report.time + rowMs >= end) return;
		lastDay[life] = day;
		looks.push({
			life,
			trueHours: hoursFrom(report.time),
			begun: onset !== undefined && report.time > onset,
			prognosis,
			expected: alarm.stands,
			...(alarm.firstAt !== undefined && { firstExpectedHours: hoursFrom(alarm.firstAt) }),
			index: pieces[life]!.slice(Math.max(0, piece - pieceCount), piece).flatMap((one) =>
				one ? [one.sum / one.count] : []
			),
			indexHours: pieceHours
		});
	});
	return looks;
}

/** The product's alarm of one machine: whenever there is something new to say, as in the product. */
class ExpectedFailure {
	firstAt: EpochMs | undefined;
	private alarm: Alarm | undefined;
	private heard: Prognosis | undefined;

	constructor(private readonly machineId: string) {}

	get stands(): boolean {
		return this.alarm !== undefined;
	}

	take(prognosis: Prognosis, report: HealthReport): void {
		if (prognosis === this.heard) return;
		this.heard = prognosis;
		const statement = statementOfKnownFailures(prognosis, report);
		const change = statement && adviseFailure(this.alarm, this.machineId, [statement]);
		if (!change) return;
		const next = applyChange(this.alarm, change);
		this.alarm = next && isActive(next) ? next : undefined;
		this.firstAt ??= this.alarm?.raisedAt;
	}
}
