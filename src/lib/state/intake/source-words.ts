/**
 * State, pure: what a source setting says, in one sentence without credentials.
 */
import { mqttVersionName, type MqttVersionName, type SourceSettings } from '$lib/contracts';
import { shownAddress } from './link-advice';

/** `spoken`: the MQTT version that the broker turned out to speak. */
export function sourceWords(source: SourceSettings, spoken?: MqttVersionName): string {
	switch (source.kind) {
		case 'none':
			return 'No live source: only what was imported or stored before.';
		case 'demo':
			return `Simulated plant of ${source.demo.machines} machines (scenario "${source.demo.scenario}", seed ${source.demo.seed}).`;
		case 'broker': {
			const { broker } = source;
			const chosen = mqttVersionName(broker.protocolVersion);
			const version = !spoken || spoken === chosen ? chosen : `${spoken} (the broker refuses ${chosen})`;
			const user = broker.username ? `, user ${broker.username}` : '';
			return `${shownAddress(broker)}, topics ${broker.topicFilter}, MQTT ${version}, QoS ${broker.qos}${user}.`;
		}
	}
}
