/** FusedLSTM in a browser on the `wasm` backend, against the stock layer on the same backend. */
import { loadBackend } from '$lib/neural/backends';
import { describeFusedLayers } from '../../tools/fused-layer-suite';

describeFusedLayers('wasm', async () => void (await loadBackend('wasm')), 1e-5);
