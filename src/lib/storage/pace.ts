/**
 * Storage: long work in slices, so that messages, answers of the database and timers come in between.
 *
 * In: how pressing the work is. Out: a function to be awaited between its steps. Work that nobody waits for leaves the thread to others
 * for three quarters of the time: sealing beside an intake that needs half of it must not make readings wait.
 */

/** Lets others have their turn when a slice is over. */
export type Breathe = () => Promise<void>;

/** Work in one go. */
const SLICE_MS = 8;
/** Times as long as it has just worked, work that is not pressing rests; waiting for the database may count as work, but not for long. */
const REST = 3;
const LONGEST_REST_MS = 200;

/** `isPressing`: somebody waits for the end of this work. */
export function pace(isPressing: () => boolean | Promise<boolean>): Breathe {
	let since = performance.now();
	return async () => {
		const worked = performance.now() - since;
		if (worked < SLICE_MS) return;
		if (await isPressing()) await turn();
		else await new Promise<void>((resolve) => setTimeout(resolve, Math.min(REST * worked, LONGEST_REST_MS)));
		since = performance.now();
	};
}

/** After the messages that wait now; not slowed down as timers are. */
function turn(): Promise<void> {
	return new Promise((resolve) => {
		const channel = new MessageChannel();
		channel.port1.onmessage = () => {
			channel.port1.close();
			resolve();
		};
		channel.port2.postMessage(0);
	});
}
