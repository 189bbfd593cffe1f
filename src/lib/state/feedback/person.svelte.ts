/**
 * State: the name a person gave this device's acknowledgements. Kept in localStorage; not a login.
 */
import { clientName } from '../app/session.svelte';

const key = 'millwright:person';

class Person {
	#name = $state(read());

	/** As typed; empty when nobody gave one. */
	get name(): string {
		return this.#name;
	}

	/** What acknowledgements are signed with: the name, or else this browser's own. */
	get signature(): string {
		return this.#name.trim() || clientName();
	}

	rename(name: string): void {
		this.#name = name;
		try {
			if (name.trim()) localStorage.setItem(key, name.trim());
			else localStorage.removeItem(key);
		} catch {
			// Storage is refused: the name lasts as long as the page.
		}
	}
}

function read(): string {
	try {
		return localStorage.getItem(key) ?? '';
	} catch {
		return '';
	}
}

export const person = new Person();
