/**
 * Light or dark: the system's choice unless a person chose otherwise (kept in localStorage, applied before first paint
 * of the app).
 */
export type ThemeChoice = 'system' | 'light' | 'dark';

const key = 'millwright:theme';

class Theme {
	#choice = $state<ThemeChoice>('system');

	get choice(): ThemeChoice {
		return this.#choice;
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
