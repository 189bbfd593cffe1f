/**
 * Before the tests: makes sure that a Chromium and a Mosquitto are there, fetching what is missing.
 *
 * Chromium: `CHROMIUM_PATH`, the system's, else Playwright's download, else the system's package manager.
 * Mosquitto: the system's, else the package manager. Without Mosquitto its tests are skipped, and say so.
 */
import { spawnSync } from 'node:child_process';
import { findChromium } from './find-chromium';
import { findMosquitto } from './mosquitto';

/** Package manager -> commands that install a package of that name. */
const managers = [
	{
		probe: 'apt-get',
		commands: (name: string) => [
			['apt-get', 'update'],
			['apt-get', 'install', '-y', '--no-install-recommends', name]
		]
	},
	{ probe: 'dnf', commands: (name: string) => [['dnf', 'install', '-y', name]] },
	{ probe: 'apk', commands: (name: string) => [['apk', 'add', name]] },
	{ probe: 'pacman', commands: (name: string) => [['pacman', '-Sy', '--noconfirm', name]] },
	{ probe: 'brew', commands: (name: string) => [['brew', 'install', name]] }
];

function run(command: readonly string[]): boolean {
	const needsRoot = command[0] !== 'brew' && process.getuid?.() !== 0;
	const full = needsRoot && command[0] !== 'npx' ? ['sudo', '-n', ...command] : command;
	console.error(`> ${full.join(' ')}`);
	const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
	return spawnSync(full[0]!, full.slice(1), { stdio: ['ignore', 'inherit', 'inherit'], env }).status === 0;
}

function installBySystem(name: string): boolean {
	const exists = (tool: string) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined;
	const manager = managers.find(({ probe }) => exists(probe));
	return manager !== undefined && manager.commands(name).every(run);
}

/** There, and starts: a downloaded one may lack libraries of the system. */
function chromiumWorks(): boolean {
	const path = findChromium();
	return path !== undefined && spawnSync(path, ['--version'], { stdio: 'ignore' }).status === 0;
}

if (!chromiumWorks()) {
	console.error('No Chromium found: fetching one.');
	run(['npx', 'playwright', 'install', 'chromium']);
	if (findChromium() && !chromiumWorks()) run(['npx', 'playwright', 'install-deps', 'chromium']);
	if (!chromiumWorks()) installBySystem('chromium');
	if (!chromiumWorks()) {
		console.error('No Chromium could be had. Install one, or name its path in CHROMIUM_PATH.');
		process.exit(1);
	}
}
console.error(`Chromium: ${findChromium()}`);

if (!findMosquitto()) {
	console.error('No Mosquitto found: trying the package manager.');
	installBySystem('mosquitto');
}
console.error(`Mosquitto: ${findMosquitto() ?? 'none; the tests that need it will be skipped'}`);
