/// <reference types="@sveltejs/kit" />
declare global {
	namespace App {}
	/** Version of this build, from package.json. */
	const __APP_VERSION__: string;
}
export {};
