/**
 * State, pure: times as `<input type="datetime-local">` takes and gives them, to the second, in this device's time zone.
 */
import type { EpochMs } from '$lib/contracts';

export function toLocalInput(time: EpochMs): string {
	const date = new Date(time);
	const two = (value: number) => String(value).padStart(2, '0');
	const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
	return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Undefined while the input holds no complete time. */
export function fromLocalInput(text: string): EpochMs | undefined {
	const time = text ? new Date(text).getTime() : NaN;
	return Number.isFinite(time) ? time : undefined;
}
