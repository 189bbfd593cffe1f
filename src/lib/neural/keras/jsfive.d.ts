/** The part of jsfive (an HDF5 reader) that is used here. It comes without types. */
declare module 'jsfive' {
	export class Group {
		readonly keys: readonly string[];
		readonly attrs: Readonly<Record<string, unknown>>;
		/** A group or dataset below this one. Throws a string where there is none; null for a broken link. */
		get(path: string): Group | Dataset | null;
	}
	export class Dataset {
		readonly shape: readonly number[];
		/** E.g. "<f4"; a list for compound types. */
		readonly dtype: unknown;
		readonly value: ArrayLike<unknown>;
	}
	export class File extends Group {
		constructor(bytes: ArrayBuffer, name?: string);
	}
}
