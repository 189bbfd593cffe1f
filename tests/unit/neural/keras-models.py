"""
Makes keras-models.json, what Keras itself computes, for keras.test.ts: KERAS_BACKEND=jax python keras-models.py > keras-models.json
Needs keras 3 and jax. Topologies are as Keras writes them, weights in Keras' order, numbers as float32.
"""
import json

import keras
import numpy as np
from keras import layers as L

keras.utils.set_random_seed(7)
rng = np.random.default_rng(3)


def numbers(array):
    return [float("%.7g" % value) for value in np.asarray(array, dtype=np.float32).ravel()]


def weights_of(part):
    for weight in part.weights:
        weight.assign(rng.normal(0, 0.4, weight.shape).astype("float32"))
    return [{"name": w.path, "shape": list(w.shape), "values": numbers(w)} for w in part.weights]


def case(title, model):
    weights = weights_of(model)
    return {
        "title": title,
        "topology": json.loads(model.to_json()),
        "weights": weights,
        "output": numbers(model(x, training=False)),
    }


x = rng.normal(0, 1, (2, 5, 3)).astype("float32")
cases = [
    case(
        "predictor",
        keras.Sequential(
            [
                keras.Input((5, 3)),
                L.LSTM(4, return_sequences=True, dropout=0.1),
                L.LSTM(3, return_sequences=True),
                L.Dropout(0.2),
                L.TimeDistributed(L.Dense(3)),
            ]
        ),
    ),
    case(
        "GRU, both directions",
        keras.Sequential(
            [
                keras.Input((None, 3)),
                L.Bidirectional(L.GRU(3, return_sequences=True)),
                L.GRU(2, go_backwards=True),
                L.Dense(2, activation="softplus"),
            ]
        ),
    ),
]
entry = keras.Input((5, 3))
part = L.Bidirectional(L.LSTM(3))(entry)
part = L.RepeatVector(4)(part)
part = L.LSTM(3, return_sequences=True, go_backwards=True, use_bias=False)(part)
cases.append(case("functional autoencoder", keras.Model(entry, L.Dense(3, activation="tanh", use_bias=False)(part))))

mask = np.array([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0]], dtype=bool)
layer = L.LSTM(4, return_sequences=True, return_state=True)
layer.build(x.shape)
padded_weights = weights_of(layer)
sequence, h, c = layer(x, mask=mask)
padded = {
    "weights": padded_weights,
    "mask": numbers(mask),
    "outputs": [numbers(sequence), numbers(h), numbers(c)],
}
print(json.dumps({"keras": keras.__version__, "input": numbers(x), "cases": cases, "padded": padded}))
