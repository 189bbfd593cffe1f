/**
 * State, pure: what a source setting says, in one sentence without credentials.
 */
import type { SourceSettings } from '$lib/contracts';
import { shownAddress } from './link-advice';

export function sourceWords(source: SourceSettings): string {
	switch (source.kind) {
		case 'none':
			return 'No live source: only what was imported or stored before.';
		case 'demo':
			return `Simulated plant of ${source.demo.machines} machines (scenario "${source.demo.scenario}", seed ${source.demo.seed}).`;
		case 'broker': {
			const { broker } = source;
			const version = broker.protocolVersion === 5 ? '5' : '3.1.1';
			const user = broker.username ? `, user ${broker.username}` : '';
			return `${shownAddress(broker)}, topics ${broker.topicFilter}, MQTT ${version}, QoS ${broker.qos}${user}.`;
		}
	}
}
