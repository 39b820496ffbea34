"""Quantile Balancing, BIP and Expert Choice on the shipped trace, in NumPy and float64: writes order.safetensors beside this file.

Run as: python crates/engine/tests/data/make_order.py        (needs numpy)

The equations are those of Su's post 11619 and of arXiv 2202.09368; nothing here shares code with Moebias. b = -beta throughout.
"""

import json
import pathlib
import struct

import numpy as np

HERE = pathlib.Path(__file__).parent
TRACE = HERE.parents[3] / "assets/traces/sample_none_final.safetensors"
K, STEPS, PASSES = 6, 100, 4


def logits():
    data = TRACE.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    entry = header["logits"]
    begin, end = entry["data_offsets"]
    raw = data[8 + size + begin : 8 + size + end]
    if entry["dtype"] == "BF16":
        return (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4").reshape(entry["shape"]).astype("f8")
    return np.frombuffer(raw, {"F32": "<f4", "F16": "<f2"}[entry["dtype"]]).reshape(entry["shape"]).astype("f8")


def nth_largest(x, n, axis):
    """The n-th largest along an axis, counted from 1."""
    return np.sort(x, axis=axis).take(x.shape[axis] - n, axis=axis)


def loads(s, b):
    order = np.argsort(-(s + b), axis=1, kind="stable")[:, :K]
    return np.bincount(order.ravel(), minlength=s.shape[1]).astype("<u4")


scores = 1 / (1 + np.exp(-logits()))
steps, tokens, experts = scores.shape
rank = K * tokens // experts + 1
out = {}
for average in [0.0, 0.5]:
    b, all_b, all_loads = np.zeros(experts), [], []
    for t in range(STEPS):
        s = scores[t % steps]
        all_loads.append(loads(s, b))
        alpha = nth_largest(s + b, K + 1, 1)
        made = -nth_largest(s - alpha[:, None], rank, 0)
        b = average * b + (1 - average) * made
        b -= b.mean()
        all_b.append(b)
    out[f"quantile_bias_{average}"] = np.array(all_b, "<f8")
    out[f"quantile_loads_{average}"] = np.array(all_loads)
b, all_b, all_loads = np.zeros(experts), [], []
for t in range(STEPS):
    s = scores[t % steps]
    for _ in range(PASSES):
        alpha = np.maximum(0, nth_largest(s + b, K + 1, 1))
        b = -np.maximum(0, nth_largest(s - alpha[:, None], rank, 0))
    all_loads.append(loads(s, b))
    # The anchor is an addition of Moebias: without it all beta drift up until alpha is 0 for every token.
    b = b - b.max()
    all_b.append(b)
out["bip_bias"] = np.array(all_b, "<f8")
out["bip_loads"] = np.array(all_loads)
taken = np.zeros((tokens, experts), "u1")
best = np.argsort(-scores[0], axis=0, kind="stable")[: K * tokens // experts]
np.put_along_axis(taken, best, 1, axis=0)
out["choice_taken"] = taken

header, blobs, at = {}, [], 0
for name, x in out.items():
    raw = x.tobytes()
    dtype = {"f8": "F64", "u4": "U32", "u1": "U8"}[x.dtype.str[1:]]
    header[name] = {"dtype": dtype, "shape": list(x.shape), "data_offsets": [at, at + len(raw)]}
    blobs.append(raw)
    at += len(raw)
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
(HERE / "order.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))
for name, x in out.items():
    if name.endswith("loads") or "loads_" in name:
        vio = x.max(axis=1) / (K * tokens / experts) - 1
        print(name, "MaxVio of steps 0, 1, 2, 10, 99:", np.round(vio[[0, 1, 2, 10, 99]], 3))
