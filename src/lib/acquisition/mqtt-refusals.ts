/** Data Acquisition, MQTT: what a broker's code means for a person (MQTT 3.1.1 table 3.1; MQTT 5 table 3-1 and 3-13). */
import type { LinkTrouble } from '../contracts';

/** Trouble behind a CONNACK or DISCONNECT code. */
export function troubleOfCode(code: number): LinkTrouble {
	switch (code) {
		case 1: // 3.1.1: unacceptable protocol version
		case 2: // 3.1.1: identifier rejected
		case 132: // 5: unsupported protocol version
		case 133: // 5: client identifier not valid
		case 130: // 5: protocol error
			return 'protocol-refused';
		case 4: // 3.1.1: bad user name or password
		case 5: // 3.1.1: not authorised
		case 134: // 5: bad user name or password
		case 135: // 5: not authorised
		case 140: // 5: bad authentication method
			return 'credentials-refused';
		case 138: // 5: banned
			return 'not-authorised';
		default: // server unavailable, busy, moved, quota, rate
			return 'broker-unreachable';
	}
}

/** Retrying soon only helps where the broker or the network may come back by itself. */
export function isHopeless(trouble: LinkTrouble | undefined): boolean {
	return (
		trouble === 'credentials-refused' ||
		trouble === 'protocol-refused' ||
		trouble === 'not-authorised' ||
		trouble === 'needs-wss'
	);
}
