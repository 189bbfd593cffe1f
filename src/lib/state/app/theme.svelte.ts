/**
 * Light or dark: the system's choice unless a person chose otherwise (kept in localStorage, applied before first paint
 * of the app).
 */
import { MediaQuery } from 'svelte/reactivity';

export type ThemeChoice = 'system' | 'light' | 'dark';

const key = 'millwright:theme';

class Theme {
	#choice = $state<ThemeChoice>('system');
	#systemDark = new MediaQuery('prefers-color-scheme: dark', false);

	get choice(): ThemeChoice {
		return this.#choice;
	}

	/** What is seen: for what is drawn by hand and must be drawn anew when it changes. */
	get dark(): boolean {
		return this.#choice === 'dark' || (this.#choice === 'system' && this.#systemDark.current);
	}

	/** Takes up the stored choice; call once before drawing. */
	restore(): void {
		let stored: string | null = null;
		try {
			stored = localStorage.getItem(key);
		} catch {
			// Storage is refused: the system's theme it is.
		}
		this.#apply(stored === 'light' || stored === 'dark' ? stored : 'system');
	}

	choose(choice: ThemeChoice): void {
		try {
			if (choice === 'system') localStorage.removeItem(key);
			else localStorage.setItem(key, choice);
		} catch {
			// Storage is refused: the choice lasts as long as the page.
		}
		this.#apply(choice);
	}

	#apply(choice: ThemeChoice): void {
		this.#choice = choice;
		if (choice === 'system') delete document.documentElement.dataset.theme;
		else document.documentElement.dataset.theme = choice;
	}
}

export const theme = new Theme();
