/**
 * Simulator: the seeded duty schedule - which mode a machine is in, at what load, for how long.
 *
 * In: a class's modes, a seed, elapsed seconds. Out: the present `DutyState`. A semi-Markov chain: the length of each
 * stretch and its load are drawn evenly between the mode's bounds, the next mode by weight.
 */
import type { DutyState, MachineClass } from './machine-class';
import { RandomStream } from './random';

export class DutySchedule {
	readonly state: DutyState;
	private readonly random: RandomStream;
	/** Per mode: indices of what may follow and the cumulative weights. */
	private readonly following: readonly { readonly modes: readonly number[]; readonly upTo: readonly number[] }[];

	/** `scale` stretches the schedule: 1 is minutes, 60 turns them into hours. */
	constructor(
		private readonly machineClass: MachineClass,
		seed: number,
		private readonly scale: number
	) {
		this.random = new RandomStream(seed);
		const indexOf = (id: string) => machineClass.modes.findIndex((mode) => mode.id === id);
		this.following = machineClass.modes.map((mode) => {
			let total = 0;
			const entries = Object.entries(mode.next ?? {});
			return { modes: entries.map(([id]) => indexOf(id)), upTo: entries.map(([, weight]) => (total += weight)) };
		});
		this.state = { mode: 0, load: 0, elapsed: 0, length: 0 };
		this.enter(indexOf(machineClass.startMode));
	}

	advance(seconds: number): void {
		const state = this.state;
		state.elapsed += seconds;
		while (state.elapsed >= state.length) {
			const over = state.elapsed - state.length;
			const { modes, upTo } = this.following[state.mode]!;
			const drawn = this.random.uniform(0, upTo[upTo.length - 1]);
			this.enter(modes[upTo.findIndex((limit) => drawn < limit)]!);
			state.elapsed = over;
		}
	}

	private enter(mode: number): void {
		const spec = this.machineClass.modes[mode]!;
		const state = this.state;
		state.mode = mode;
		state.load = this.random.uniform(...(spec.load ?? [0, 0]));
		/** Starting takes as long as it takes: only the others are stretched. */
		const scale = spec.id === 'start-up' ? 1 : this.scale;
		state.length = Math.max(1, this.random.uniform(...(spec.seconds ?? [1, 1])) * scale);
		state.elapsed = 0;
	}
}
