/**
 * Command line: `npm run simulate -- --broker ws://... --machines 50 --rate 1 --scenario bearing-wear --seed 7`.
 *
 * In: options. Out: a simulated plant published to the broker until Ctrl-C or `--duration`, and what was sent.
 */
import { pathToFileURL } from 'node:url';
import { createPlant, scenarios } from '../index';
import { need, readNumber, readOptions, readQos, runAsProcess, type CommandOutput } from './options';
import { publishPlant } from './publish-plant';

const usage = `Publishes a simulated plant to an MQTT broker.

  npm run simulate -- --broker <address> [options]

  --broker <address>     mqtt://, mqtts://, ws:// or wss:// (needed)
  --machines <n>         how many, all six classes in turn (12)
  --rate <n>             messages per machine and second, 0.01 to 20 (1)
  --scenario <id>        what goes wrong (demo)
  --seed <n>             same seed, same plant (1)
  --qos <0|1>            (1)
  --topic-prefix <text>  put before every topic
  --waveforms <seconds>  machines with an accelerometer publish a waveform this often
  --duration <seconds>   stop by itself
  --user, --password     credentials

Scenarios: ${scenarios.map((scenario) => scenario.id).join(', ')}`;

export async function simulate(argv: readonly string[], { out, error, signal }: CommandOutput): Promise<number> {
	const values = readOptions(
		argv,
		{
			broker: { type: 'string' },
			machines: { type: 'string', default: '12' },
			rate: { type: 'string', default: '1' },
			scenario: { type: 'string', default: 'demo' },
			seed: { type: 'string', default: '1' },
			qos: { type: 'string', default: '1' },
			'topic-prefix': { type: 'string' },
			waveforms: { type: 'string' },
			duration: { type: 'string' },
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
	const stepMs = Math.round(1000 / readNumber('rate', values.rate, { low: 0.01, high: 20 }));
	const plant = createPlant({
		machines: readNumber('machines', values.machines, { low: 1, high: 10_000, whole: true }),
		seed: readNumber('seed', values.seed, { whole: true }),
		scenario: values.scenario,
		startTime: Date.now() - stepMs,
		stepMs,
		...(values.waveforms && { waveforms: { everyMs: 1000 * readNumber('waveforms', values.waveforms, { low: 1 }) } })
	});
	const publisher = await publishPlant(plant, broker, {
		qos: readQos(values.qos),
		topicPrefix: values['topic-prefix'],
		stepMs,
		steps: values.duration
			? Math.max(1, Math.round((readNumber('duration', values.duration, { low: 0.001 }) * 1000) / stepMs))
			: undefined,
		username: values.user,
		password: values.password,
		onChange: (state, detail) => error(state === 'lost' ? `Link lost (${detail}), trying again` : `Link is back`)
	});
	out(
		`${plant.machines.length} machines, scenario "${values.scenario}", seed ${values.seed}, a message each every ${stepMs} ms. Ctrl-C ends.`
	);
	for (const truth of plant.groundTruth())
		out(
			`  ${truth.machineId}: ${truth.fault} from ${isoSecond(truth.onset)}, fails at ${isoSecond(truth.timeOfEvent)}`
		);
	const onAbort = () => void publisher.stop();
	if (signal.aborted) onAbort();
	signal.addEventListener('abort', onAbort, { once: true });
	const counts = await publisher.finished;
	signal.removeEventListener('abort', onAbort);
	const short = counts.published - counts.acknowledged;
	out(
		`${counts.steps} steps, ${counts.published} messages published, ${counts.acknowledged} ${values.qos === '1' ? 'acknowledged' : 'sent'}, ${counts.dropped} dropped`
	);
	if (short > 0) error(`${short} messages were not acknowledged before the end`);
	return short > 0 || counts.dropped > 0 ? 1 : 0;
}

const isoSecond = (time: number) => new Date(time).toISOString().slice(0, 19) + 'Z';

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await runAsProcess(simulate);
