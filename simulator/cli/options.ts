/**
 * Command line: reading options, with errors that name the option and what it takes.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { MillwrightError, toPlainError } from '../../src/lib/contracts';

export interface CommandOutput {
	readonly out: (line: string) => void;
	readonly error: (line: string) => void;
	/** Aborts on Ctrl-C. */
	readonly signal: AbortSignal;
}

/** Like `parseArgs` of Node, failing with a MillwrightError that shows the usage. */
export function readOptions<T extends NonNullable<ParseArgsConfig['options']>>(
	argv: readonly string[],
	options: T,
	usage: string
) {
	try {
		return parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values;
	} catch (cause) {
		throw new MillwrightError('invalid-input', `${(cause as Error).message}\n\n${usage}`, {}, { cause });
	}
}

export function readNumber(
	name: string,
	text: string,
	{ low = -Infinity, high = Infinity, whole = false }: { low?: number; high?: number; whole?: boolean }
): number {
	const value = text.trim() === '' ? NaN : Number(text);
	if (!Number.isFinite(value) || value < low || value > high || (whole && !Number.isInteger(value)))
		throw new MillwrightError(
			'invalid-input',
			`--${name} takes a ${whole ? 'whole ' : ''}number${low > -Infinity ? ` from ${low}` : ''}${high < Infinity ? ` to ${high}` : ''}, not "${text}"`,
			{ option: name, value: text }
		);
	return value;
}

export function readQos(text: string): 0 | 1 {
	if (text !== '0' && text !== '1') throw new MillwrightError('invalid-input', `--qos takes 0 or 1, not "${text}"`);
	return text === '1' ? 1 : 0;
}

export function need(name: string, value: string | undefined, usage: string): string {
	if (!value) throw new MillwrightError('invalid-input', `--${name} is needed\n\n${usage}`, { option: name });
	return value;
}

/** Runs a command as this process: Ctrl-C aborts its signal, a second one ends at once; errors are one clear text. */
export async function runAsProcess(
	command: (argv: readonly string[], output: CommandOutput) => Promise<number>
): Promise<void> {
	const controller = new AbortController();
	const onSignal = () => {
		if (controller.signal.aborted) process.exit(130);
		controller.abort();
	};
	process.on('SIGINT', onSignal);
	process.on('SIGTERM', onSignal);
	try {
		process.exitCode = await command(process.argv.slice(2), {
			out: (line) => console.log(line),
			error: (line) => console.error(line),
			signal: controller.signal
		});
	} catch (error) {
		const plain = toPlainError(error);
		console.error(error instanceof MillwrightError ? plain.message : (plain.stack ?? plain.message));
		process.exitCode = 1;
	} finally {
		process.off('SIGINT', onSignal);
		process.off('SIGTERM', onSignal);
	}
}
