/**
 * Lint: the language's own rules, and the boundaries of the architecture.
 *
 * `mayImport` is the whole rule of who may import whom; everything not named is forbidden, whether written as an alias,
 * relatively, as a type only, in a .svelte file or as a dynamic import. tests/unit/boundaries.test.ts plants forbidden
 * imports and sees them refused.
 */
import js from '@eslint/js';
import globals from 'globals';
import svelte from 'eslint-plugin-svelte';
import typescript from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

/** Folder of src/lib -> the folders of src/lib (or `$simulator`) that it may import besides itself. */
export const mayImport = {
	contracts: [],
	acquisition: ['contracts', '$simulator'],
	manipulation: ['contracts'],
	detection: ['contracts', 'neural'],
	health: ['contracts'],
	prognostics: ['contracts', 'neural'],
	advisory: ['contracts'],
	neural: ['contracts'],
	training: ['contracts', 'neural', 'manipulation', 'detection', 'health', 'prognostics', 'pipeline'],
	storage: ['contracts'],
	workers: [
		'contracts',
		'acquisition',
		'manipulation',
		'detection',
		'health',
		'prognostics',
		'advisory',
		'pipeline',
		'training',
		'neural',
		'storage'
	],
	words: ['contracts'],
	charts: ['contracts', 'words'],
	components: ['contracts', 'words', 'charts', 'state'],
	// Of the charts only what has no DOM: time in sight and joined traces are state, their mathematics is the charts'.
	state: ['contracts', 'words', 'charts', 'storage', 'workers']
};

/** Package -> the only folders that may know it. */
export const packageOwners = {
	mqtt: ['acquisition'],
	'mqtt-packet': ['acquisition'],
	'@tensorflow/': ['neural'],
	jsfive: ['neural'],
	fflate: ['neural'],
	dexie: ['storage'],
	// Reading files is the intake's, writing them the store's; 'hyparquet-writer' falls under this too.
	hyparquet: ['acquisition', 'storage'],
	comlink: ['workers'],
	d3: ['charts']
};

const parts = [...Object.keys(mayImport), 'pipeline'];
const pageOnly = ['svelte', '$app/'];
const workerReachable = [
	'contracts',
	'acquisition',
	'manipulation',
	'detection',
	'health',
	'prognostics',
	'advisory',
	'neural',
	'training',
	'storage',
	'workers'
];

const escape = (/** @type {string} */ text) => text.replace(/[$./]/g, '\\$&');

/** @param {string} folder @returns {{ regex: string, message: string }[]} */
function forbiddenFor(folder) {
	const allowed = /** @type {Record<string, string[]>} */ (mayImport)[folder] ?? [];
	const patterns = [];
	for (const part of parts)
		if (part !== folder && !allowed.includes(part))
			patterns.push({
				regex: `^(\\$lib/|(\\.\\./)+(src/)?(lib/)?)${part}(/|$|\\.)`,
				message: `${folder} may not import ${part} (see mayImport in eslint.config.js).`
			});
	if (!allowed.includes('$simulator'))
		patterns.push({
			regex: '(^\\$simulator|^(\\.\\./)+simulator)(/|$)',
			message: `${folder} may not import the simulator.`
		});
	for (const [name, owners] of Object.entries(packageOwners))
		if (!owners.includes(folder))
			patterns.push({
				regex: `^${escape(name)}${name.endsWith('/') ? '' : '($|/|-)'}`,
				message: `Only ${owners.join(', ')} may know ${name}.`
			});
	if (workerReachable.includes(folder)) {
		for (const name of pageOnly)
			patterns.push({
				regex: `^${escape(name)}${name.endsWith('/') ? '' : '($|/)'}`,
				message: `${folder} runs in workers: nothing of the page.`
			});
		patterns.push({ regex: '\\.svelte(\\.ts)?$', message: `${folder} runs in workers: no Svelte files.` });
	}
	return patterns;
}

/** @param {string[]} files @param {{ regex: string, message: string }[]} patterns */
const restrict = (files, patterns) => ({
	files,
	rules: {
		'@typescript-eslint/no-restricted-imports': ['error', { patterns }],
		'no-restricted-syntax': [
			'error',
			...patterns.map(({ regex, message }) => ({
				selector: `ImportExpression[source.value=/${regex.replace(/\//g, '\\u002F')}/]`,
				message
			}))
		]
	}
});

const boundaries = [
	...Object.keys(mayImport).map((folder) => restrict([`src/lib/${folder}/**/*.{ts,js,svelte}`], forbiddenFor(folder))),
	restrict(
		['simulator/**/*.ts'],
		[
			{
				regex: `^(\\$lib/|(\\.\\./)+(src/)?(lib/)?)(${parts.filter((part) => part !== 'contracts').join('|')})(/|$|\\.)`,
				message: 'The simulator may import contracts alone.'
			}
		]
	),
	restrict(
		['src/routes/**/*.{ts,svelte}'],
		[
			{
				regex:
					'^(\\$lib/|(\\.\\./)+lib/)(acquisition|manipulation|detection|health|prognostics|advisory|neural|training|storage|workers|pipeline)(/|$)',
				message: 'Screens hold no logic: go through state.'
			}
		]
	)
];

export default typescript.config(
	{
		ignores: [
			'build/',
			'.svelte-kit/',
			'node_modules/',
			'coverage/',
			'src/lib/neural/wasm/assembly/',
			'tests/unit/planted/'
		]
	},
	js.configs.recommended,
	...typescript.configs.recommended,
	...svelte.configs.recommended,
	{
		languageOptions: { globals: { ...globals.browser, ...globals.worker, ...globals.node } },
		rules: {
			'no-undef': 'off', // the type checker does it better
			'@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
			'@typescript-eslint/no-explicit-any': 'error',
			'@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'always' }],
			'no-console': ['error', { allow: ['warn', 'error'] }]
		}
	},
	{
		files: ['**/*.svelte', '**/*.svelte.ts'],
		languageOptions: {
			parserOptions: { parser: typescript.parser, extraFileExtensions: ['.svelte'], svelteConfig }
		},
		rules: {
			'svelte/no-at-html-tags': 'error',
			// Collections in state are replaced as a whole ($state.raw), not mutated: plain Map, Set and Date are right.
			'svelte/prefer-svelte-reactivity': 'off'
		}
	},
	{
		files: ['simulator/cli/**', 'tests/**', 'models/**', 'src/build/**'],
		rules: { 'no-console': 'off' }
	},
	...boundaries
);
