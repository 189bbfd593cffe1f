/**
 * Reading a file in a worker, one turn at a time: whoever begins another, or ends it, hears no more of the one before. In: a file, what to do with its
 * reading. Out: what came of it.
 */
import { isAborted, toPlainError, type PlainError } from '$lib/contracts';
import { openImport, type FileReading } from '$lib/workers/import.client';

export class FileTurn {
	#reading: FileReading | undefined;

	/**
	 * `undefined` where there is nothing to go on with: the turn was ended, another was begun, or it failed. Of a failure `onFailure` hears, with the
	 * error unless a person cancelled. Never rejects.
	 */
	async take<Result>(
		file: File,
		work: (reading: FileReading, isCurrent: () => boolean) => Promise<Result>,
		onFailure: (problem: PlainError | undefined) => void
	): Promise<Result | undefined> {
		this.end();
		const reading = (this.#reading = openImport(file));
		try {
			const result = await work(reading, () => this.#reading === reading);
			if (this.#reading !== reading) return undefined;
			this.end();
			return result;
		} catch (error) {
			if (this.#reading !== reading) return undefined;
			this.end();
			onFailure(isAborted(error) ? undefined : toPlainError(error));
			return undefined;
		}
	}

	end(): void {
		this.#reading?.end();
		this.#reading = undefined;
	}
}
