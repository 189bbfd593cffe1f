"""
Makes keras-files/, models as Keras itself saves them, for keras-files.test.ts: KERAS_BACKEND=jax python keras-files.py
Needs keras 3, jax and h5py. expected.json holds an input and what Keras computes from it with each model.
"""
import json
import os
from pathlib import Path

import keras
import numpy as np
from keras import layers as L

keras.utils.set_random_seed(11)
rng = np.random.default_rng(5)
folder = Path(__file__).with_name("keras-files")
folder.mkdir(exist_ok=True)

x = rng.normal(0, 1, (2, 6, 3)).astype("float32")


def numbers(array):
    return [float("%.7g" % value) for value in np.asarray(array, dtype=np.float32).ravel()]


expected = {"keras": keras.__version__, "input": numbers(x), "outputs": {}}


def save(name, model):
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.4, weight.shape).astype("float32"))
    expected["outputs"][name] = numbers(model(x, training=False))
    model.save(folder / f"{name}.keras")
    model.save(folder / f"{name}.h5")


save(
    "predictor",
    keras.Sequential(
        [
            keras.Input((None, 3)),
            L.LSTM(5, return_sequences=True, dropout=0.1),
            L.LSTM(4, return_sequences=True, name="second"),
            L.Dropout(0.2),
            L.TimeDistributed(L.Dense(3)),
        ]
    ),
)
save(
    "next-row",
    keras.Sequential([keras.Input((6, 3)), L.GRU(4, return_sequences=True), L.GRU(4), L.Dense(5, activation="relu"), L.Dense(3)]),
)
entry = keras.Input((6, 3))
part = L.Bidirectional(L.LSTM(3))(entry)
part = L.RepeatVector(6)(part)
part = L.LSTM(3, return_sequences=True, use_bias=False)(part)
save("autoencoder", keras.Model(entry, L.Dense(3, activation="tanh")(part)))

# Weights without a model: what save_weights writes.
keras.saving.load_model(folder / "predictor.keras").save_weights(folder / "predictor.weights.h5")
(folder / "expected.json").write_text(json.dumps(expected))
