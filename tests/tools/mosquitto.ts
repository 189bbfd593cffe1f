/**
 * A real Mosquitto for tests: found on this machine, started on free ports with a WebSocket listener, killed at will.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Path of the executable, or undefined when there is none. */
export function findMosquitto(): string | undefined {
	const named = process.env['MOSQUITTO_PATH'];
	if (named) return existsSync(named) ? named : undefined;
	const folders = [
		...(process.env['PATH'] ?? '').split(delimiter),
		'/usr/sbin',
		'/usr/local/sbin',
		'/opt/homebrew/sbin'
	];
	return folders.map((folder) => join(folder, 'mosquitto')).find((place) => existsSync(place));
}

export interface MosquittoOptions {
	/** If given, anonymous clients are refused. */
	readonly user?: { readonly name: string; readonly password: string };
	/** For benchmarks: no log of each packet, which costs more than the packet. */
	readonly quiet?: boolean;
	/** Further lines of mosquitto.conf. */
	readonly config?: readonly string[];
}

export interface Mosquitto {
	readonly wsUrl: string;
	readonly tcpPort: number;
	readonly wsPort: number;
	/** Of the running process. */
	readonly pid: number | undefined;
	/** SIGKILL, as when the power goes; `start` brings it back on the same ports. */
	kill(): Promise<void>;
	start(): Promise<void>;
	/** SIGTERM, as an administrator does: it writes everything down first; `start` brings it back. */
	terminate(): Promise<void>;
	/** Ends it and removes its files. */
	stop(): Promise<void>;
	/** What it wrote to its log so far. */
	log(): string;
}

/** Starts a broker of its own on free ports; sessions survive `kill` and `start` (persistence on). */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
	const executable = findMosquitto();
	if (!executable) throw new Error('Mosquitto is not installed');
	const folder = mkdtempSync(join(tmpdir(), 'millwright-mosquitto-'));
	const [tcpPort, wsPort] = [await freePort(), await freePort()];
	const lines = [
		'per_listener_settings false',
		`listener ${tcpPort} 127.0.0.1`,
		`listener ${wsPort} 127.0.0.1`,
		'protocol websockets',
		'persistence true',
		`persistence_location ${folder}/`,
		'autosave_on_changes true',
		'autosave_interval 1',
		'log_dest stderr',
		...(options.quiet ? ['log_type error', 'log_type warning'] : []),
		'connection_messages true',
		`allow_anonymous ${options.user ? 'false' : 'true'}`,
		...(process.getuid?.() === 0 ? ['user root'] : []),
		...(options.config ?? [])
	];
	if (options.user) {
		const file = join(folder, 'passwords');
		writeFileSync(file, passwordLine(options.user.name, options.user.password), { mode: 0o600 });
		lines.push(`password_file ${file}`);
	}
	const config = join(folder, 'mosquitto.conf');
	writeFileSync(config, `${lines.join('\n')}\n`);
	let child: ChildProcess | undefined;
	let written = '';

	const start = async () => {
		const started = spawn(executable, ['-c', config, ...(options.quiet ? [] : ['-v'])], {
			stdio: ['ignore', 'pipe', 'pipe']
		});
		child = started;
		started.stdout!.on('data', (data: Buffer) => (written += data.toString()));
		started.stderr!.on('data', (data: Buffer) => (written += data.toString()));
		const deadline = Date.now() + 10_000;
		for (const port of [tcpPort, wsPort])
			while (!(await answers(port))) {
				if (started.exitCode !== null || Date.now() > deadline) throw new Error(`Mosquitto did not start:\n${written}`);
				await new Promise((resolve) => setTimeout(resolve, 25));
			}
	};
	const end = async (signal: NodeJS.Signals) => {
		const running = child;
		child = undefined;
		if (!running || running.exitCode !== null) return;
		const gone = new Promise<void>((resolve) => running.once('exit', () => resolve()));
		running.kill(signal);
		await gone;
	};
	await start();
	return {
		wsUrl: `ws://127.0.0.1:${wsPort}`,
		tcpPort,
		wsPort,
		get pid() {
			return child?.pid;
		},
		start,
		kill: () => end('SIGKILL'),
		terminate: () => end('SIGTERM'),
		stop: async () => {
			await end('SIGTERM');
			rmSync(folder, { recursive: true, force: true });
		},
		log: () => written
	};
}

/** Mosquitto's own format ($7$: PBKDF2, SHA-512), so that its password tool need not be there. */
function passwordLine(name: string, password: string): string {
	const salt = randomBytes(12);
	const hash = pbkdf2Sync(password, salt, 101, 64, 'sha512');
	return `${name}:$7$101$${salt.toString('base64')}$${hash.toString('base64')}\n`;
}

export async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	await new Promise<void>((resolve) => server.close(() => resolve()));
	return port;
}

function answers(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(port, '127.0.0.1');
		socket.once('connect', () => {
			socket.destroy();
			resolve(true);
		});
		socket.once('error', () => resolve(false));
	});
}
