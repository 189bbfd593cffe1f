/**
 * Command line: `npm run replay -- --broker ws://... --csv <file> --speed <n>`.
 *
 * In: options. Out: the recording's rows published as live telemetry, and counts of what was and was not.
 */
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cleanLevel, MillwrightError } from '../../src/lib/contracts';
import { inspectRecording } from './csv-recording';
import { openLink } from './mqtt-link';
import { need, readNumber, readOptions, readQos, runAsProcess, type CommandOutput } from './options';
import { replayRecording, type Rebase } from './replay-recording';

const usage = `Publishes a recorded CSV (plain or .gz, with a header row) as live telemetry, one JSON object per row.

  npm run replay -- --broker <address> --csv <file> [options]

  --broker <address>     mqtt://, mqtts://, ws:// or wss:// (needed)
  --csv <file>           (needed)
  --speed <n>            times as fast as recorded; "max": as fast as the broker acknowledges (1)
  --topic <topic>        (replay/<file name>)
  --time-column <name>   otherwise the column that looks like a time
  --columns <a,b,...>    otherwise every numeric column but labels such as "anomaly"
  --delimiter <char>     otherwise found out; "tab" for a tab
  --rebase <which>       none: the recording's own times; now: the moment of sending;
                         end: shifted so that the last row is now (none)
  --limit <rows>         rows at most
  --qos <0|1>            (1)
  --user, --password     credentials`;

export async function replay(argv: readonly string[], { out, error, signal }: CommandOutput): Promise<number> {
	const values = readOptions(
		argv,
		{
			broker: { type: 'string' },
			csv: { type: 'string' },
			speed: { type: 'string', default: '1' },
			topic: { type: 'string' },
			'time-column': { type: 'string' },
			columns: { type: 'string' },
			delimiter: { type: 'string' },
			rebase: { type: 'string', default: 'none' },
			limit: { type: 'string' },
			qos: { type: 'string', default: '1' },
			user: { type: 'string' },
			password: { type: 'string' },
			help: { type: 'boolean', short: 'h', default: false }
		},
		usage
	);
	if (values.help) {
		out(usage);
		return 0;
	}
	const broker = need('broker', values.broker, usage);
	const path = need('csv', values.csv, usage);
	const speed = values.speed === 'max' ? Infinity : readNumber('speed', values.speed, { low: 0.001 });
	const qos = readQos(values.qos);
	const rebase = readRebase(values.rebase);
	const limit = values.limit === undefined ? undefined : readNumber('limit', values.limit, { low: 1, whole: true });
	const topic = values.topic ?? `replay/${cleanLevel(basename(path).replace(/(\.csv)?(\.gz)?$/i, ''))}`;
	if (/[#+\0]/.test(topic) || topic === '')
		throw new MillwrightError('invalid-input', `--topic "${topic}" is no topic to publish to: no # or +`, { topic });
	const layout = await inspectRecording(path, {
		delimiter: readDelimiter(values.delimiter),
		timeColumn: values['time-column'],
		columns: values.columns?.split(',').map((name) => name.trim())
	});
	out(`${path} -> ${topic}: ${layout.columns.join(', ')}; time from "${layout.timeColumn}"`);
	for (const note of layout.notes) out(`  ${note}`);
	const link = await openLink(broker, {
		username: values.user,
		password: values.password,
		onChange: (state, detail) => error(state === 'lost' ? `Link lost (${detail}), trying again` : 'Link is back')
	});
	try {
		const counts = await replayRecording(layout, link, { topic, speed, qos, rebase, limit, signal });
		out(
			`${counts.rows} rows read, ${counts.published} published, ${counts.acknowledged} ${qos === 1 ? 'acknowledged' : 'sent'}` +
				`; left out: ${counts.withoutTime} without time, ${counts.withoutValues} without values; ${counts.missingCells} cells empty or no number` +
				(counts.backwards > 0 ? `; ${counts.backwards} rows earlier than the one above` : '')
		);
		if (counts.firstProblem) error(`First row left out - ${counts.firstProblem}`);
		if (signal.aborted) {
			error('Ended before the recording did');
			return 130;
		}
		return counts.acknowledged === counts.published ? 0 : 1;
	} finally {
		await link.close();
	}
}

function readRebase(text: string): Rebase {
	if (text === 'none' || text === 'now' || text === 'end') return text;
	throw new MillwrightError('invalid-input', `--rebase takes none, now or end, not "${text}"`);
}

function readDelimiter(text: string | undefined): string | undefined {
	const delimiter = text === 'tab' || text === '\\t' ? '\t' : text;
	if (delimiter !== undefined && delimiter.length !== 1)
		throw new MillwrightError('invalid-input', `--delimiter takes one character or "tab", not "${text}"`);
	return delimiter;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await runAsProcess(replay);
