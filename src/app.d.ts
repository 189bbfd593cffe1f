/// <reference types="@sveltejs/kit" />
declare global {
	namespace App {}
	/** Version string of this build (package version plus build time). */
	const __APP_VERSION__: string;
}
export {};
