/**
 * `npm run bench:smap -- [--data DIR] [--only P-1] [--epochs 15] [--networks false] [--quick]`: telemetry of two spacecraft, channel by channel, by overlap counting.
 *
 * Per channel the product's range watch learns from `train/<channel>.npy` (the telemetry value alone, column 0) and judges each value of `test/<channel>.npy` as it
 * comes, in Chromium, in a worker; findings of a channel are then joined into sequences, and small ones beside a large one left out. One fixed
 * setting for all channels. Beside it, the page's own training makes a predictor, an autoencoder and a variational autoencoder of the training part; each of them, the levels,
 * and the vote of all are judged by one rule, the dynamic threshold with pruning of Hundman et al. (KDD 2018) with its published settings. Labels (`labeled_anomalies.csv`) are read for the figures only.
 * `--choose`: settings of the range watch by how well invented faults are found in the training parts; no test part and no label is looked at.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { assemblyScript } from '../../src/lib/neural/wasm/vite-plugin-assemblyscript';
import { dataFolder, readText } from './data/files';
import { readNumpy } from './data/npy';
import { parseBenchArguments, progress, report, type Rows } from './harness';
import type { NetworkAnswer } from './pages/detection/channel-networks';
import type { ChannelAnswer } from './pages/detection/worker';
import { chooseRangeSettings } from './scores/choose-range-settings';
import { countOverlaps, overlapScore, type OverlapCounts, type Sequence } from './scores/overlap-score';
import { withWorkerPage } from './worker-page';

const options = parseBenchArguments();
const folder = dataFolder(options, 'smap-msl');
const labelFile = join(folder, 'labeled_anomalies.csv');
const only = options.values['only'];
const withNetworks = options.text('networks', 'true') !== 'false';
const job = { seed: options.number('seed', 1), maxEpochs: options.number('epochs', options.quick ? 2 : 15) };

/** Rows of the label file: a channel that is listed twice counts twice, as published figures count it. */
function readLabels() {
	if (!existsSync(labelFile)) return [];
	return readText(labelFile)
		.trim()
		.split(/\r?\n/)
		.slice(1)
		.map((line) => {
			const [channel, spacecraft] = line.split(',');
			const sequences = JSON.parse(/"(\[\[.*?\]\])"/.exec(line)![1]!) as Sequence[];
			return { channel: channel!, spacecraft: spacecraft!.toLowerCase(), sequences };
		});
}

const exists = (channel: string) => ['', '.gz'].some((end) => existsSync(join(folder, 'test', `${channel}.npy${end}`)));
const labels = readLabels()
	.filter(({ channel }) => (only ? channel === only : true) && exists(channel))
	.slice(0, options.quick ? 2 : undefined);

interface Answer {
	readonly watched: ChannelAnswer['found'];
	networks: NetworkAnswer['found'];
}

/** The range watch with other settings; judged by the networks; `live_vote` by the rule that machines are judged by as they run. */
const besideRows = ['narrow', 'search', 'predictor', 'autoencoder', 'vae', 'levels', 'vote', 'live_vote'];

/** Floor by chance: the sequences found, as many and as long, at this many other places. */
const elsewhereShifts = 20;

/** Moved by so many rows, round the end; one that would be cut by the end lies before it. */
function shifted(found: readonly Sequence[], by: number, rows: number): Sequence[] {
	return found.map(([from, to]) => {
		const start = Math.min((from + by) % rows, rows - 1 - (to - from));
		return [start, start + to - from];
	});
}

function telemetry(part: string, channel: string): number[] {
	const { shape, values } = readNumpy(join(folder, part, `${channel}.npy`));
	return Array.from({ length: shape[0]! }, (_, r) => values[r * (shape[1] ?? 1)]!);
}

/** Best settings of the range watch on invented faults, three by each measure. */
function choose(): void {
	const channels = [...new Set(labels.map(({ channel }) => channel))];
	const scored = chooseRangeSettings(
		channels.map((channel) => telemetry('train', channel)),
		job.seed
	);
	const best = (by: 'overlap' | 'narrow') => [...scored].sort((a, b) => b[by] - a[by]).slice(0, 3);
	const [overlap, narrow] = [best('overlap'), best('narrow')];
	report(
		'smap',
		{ f1_invented_overlap: overlap[0]!.overlap, f1_invented_narrow: narrow[0]!.narrow },
		{},
		{ channels: channels.length, settings_tried: scored.length, best_by_overlap: overlap, best_narrow: narrow }
	);
}

if (labels.length > 0 && options.flag('choose')) choose();
else if (labels.length === 0) {
	const missing = `no labelled channel in ${folder}: name a folder with --data`;
	report('smap', { f1_smap: null, f1_msl: null }, {}, { missing });
} else
	await withWorkerPage(
		'detection',
		async ({ call }) => {
			const counts = new Map<string, OverlapCounts>();
			const answers = new Map<string, Answer>();
			const covered = new Map<string, number>();
			const judged = new Map<string, number>();
			let values = 0;
			let watchSeconds = 0;
			let trainSeconds = 0;
			let scoreSeconds = 0;
			const count = (key: string, found: readonly Sequence[], sequences: readonly Sequence[]) => {
				const sum = counts.get(key) ?? { hits: 0, falseAlarms: 0, misses: 0 };
				counts.set(key, countOverlaps(found, sequences, sum));
			};
			for (const { channel, spacecraft, sequences } of labels) {
				const test = telemetry('test', channel);
				let answer = answers.get(channel);
				if (!answer) {
					const training = telemetry('train', channel);
					const begin = performance.now();
					const { found: watched } = await call<ChannelAnswer>('channel', training, test);
					watchSeconds += (performance.now() - begin) / 1000;
					answer = { watched, networks: {} };
					if (withNetworks && !(options.quick && answers.size > 0)) {
						const networks = await call<NetworkAnswer>('channelNetworks', channel, training, test, job);
						answer.networks = networks.found;
						trainSeconds += networks.trainSeconds;
						scoreSeconds += networks.scoreSeconds;
						progress(
							`  ${channel}: trained in ${networks.trainSeconds.toFixed(1)} s, say ${JSON.stringify(networks.weights)}`
						);
					}
					answers.set(channel, answer);
					values += test.length;
				}
				const found = { ...answer.watched, ...answer.networks };
				const whole: Sequence[] = [[0, test.length - 1]];
				for (const [name, own] of Object.entries({ ...found, whole_channel: whole }))
					count(`${name} ${spacecraft}`, own, sequences);
				for (const [name, own] of Object.entries(found))
					for (let shift = 1; shift <= elsewhereShifts; shift++) {
						const by = Math.round((shift * test.length) / (elsewhereShifts + 1));
						count(`${name}_elsewhere ${spacecraft}`, shifted(own, by, test.length), sequences);
					}
				for (const [name, own] of Object.entries({ labelled: sequences, ...found })) {
					const key = `${name} ${spacecraft}`;
					covered.set(key, (covered.get(key) ?? 0) + own.reduce((sum, [from, to]) => sum + to - from + 1, 0));
				}
				judged.set(spacecraft, (judged.get(spacecraft) ?? 0) + test.length);
				const own = countOverlaps(found.range_watch, sequences, { hits: 0, falseAlarms: 0, misses: 0 });
				progress(`  ${channel}: ${own.hits} found, ${own.misses} missed, ${own.falseAlarms} false`);
			}
			const rows: Rows = {};
			const floors: Rows = {};
			for (const [key, count] of counts) {
				const [name, spacecraft] = key.split(' ') as [string, string];
				const score = overlapScore(count);
				if (name === 'range_watch') {
					for (const [figure, value] of Object.entries(score)) rows[`${figure}_${spacecraft}`] = value;
				} else if (besideRows.includes(name)) {
					for (const [figure, value] of Object.entries(score)) rows[`${figure}_${spacecraft}_${name}`] = value;
				} else floors[`f1_${spacecraft}_${name}`] = score.f1;
			}
			report('smap', rows, floors, {
				quick: options.quick,
				channels: answers.size,
				// A sequence as long as its channel always meets the label: how much of the rows was claimed belongs beside the score.
				share_of_rows: Object.fromEntries(
					[...covered].map(([key, rows]) => [key, Number((rows / judged.get(key.split(' ')[1]!)!).toFixed(3))])
				),
				counts: Object.fromEntries([...counts].filter(([key]) => !key.includes('_elsewhere'))),
				values_per_s: Math.round(values / watchSeconds),
				train_s: Math.round(trainSeconds),
				network_values_per_s: withNetworks ? Math.round(values / scoreSeconds) : null
			});
		},
		[assemblyScript()]
	);
