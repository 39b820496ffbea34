"""The independent evaluation in NumPy with which `crates/engine/tests/assignment.rs` compares the model. Run as:

    python crates/engine/tests/data/assignment.py

It replays the shipped trace. Scores are 1/(1 + e^-x) rounded to 20 bits, biases are integers with 32 fraction bits, and everything else
is implemented again from the sources: DeepSeek-V3's groups (sum of the two best biased scores), Megatron-LM's Sinkhorn (with its own
stopping criterion) and dropping (by probability and by position), Su's dynamic K. The file has one line per step: name, step, then the
loads (for capacity followed by the number of dropped assignments).
"""

import json
import struct
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[4]
STEPS = 48
E, K = 64, 6
ONE = 1 << 32


def trace():
    raw = (ROOT / "assets/traces/sample_none_final.safetensors").read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    about = json.loads(raw[8 : 8 + size])["logits"]
    begin, end = about["data_offsets"]
    assert about["dtype"] == "F16"
    data = np.frombuffer(raw[8 + size + begin : 8 + size + end], np.float16)
    return data.reshape(about["shape"]).astype(np.float64)


LOGITS = trace()
SCORES = np.floor(1 / (1 + np.exp(-LOGITS)) * 2**20 + 0.5).astype(np.int64)
T = LOGITS.shape[1]


def best(values, k):
    """The indices of the k largest of every row; ties go to the lower index."""
    return np.argsort(-values, axis=1, kind="stable")[:, :k]


def rounded(bias):
    """From Q32 to Q20, halves rounded up."""
    return (bias + (1 << 11)) >> 12


def chosen(biased, groups=None):
    if groups is None:
        return best(biased, K)
    count, kept, k = groups
    size = biased.shape[1] // count
    by_group = biased.reshape(len(biased), count, size)
    scores = np.sort(by_group, axis=2)[:, :, -2:].sum(axis=2)
    keep = np.zeros((len(biased), count), bool)
    np.put_along_axis(keep, best(scores, kept), True, axis=1)
    return best(np.where(np.repeat(keep, size, axis=1), biased, -(1 << 40)), k)


def counted(ids):
    return np.bincount(ids.reshape(-1), minlength=E)


def sign_rule(bias, loads, rate):
    return bias + rate * np.sign(T * K - E * loads)


def closed_loop(out, name, route, rate=round(0.01 * ONE)):
    bias = np.zeros(E, np.int64)
    for step in range(STEPS):
        scores = SCORES[step % len(SCORES)]
        # The key holds the bias relative to the largest bias.
        loads, seen, extra = route(scores, scores + rounded(bias - bias.max()))
        out.append([name, step, *loads, *extra])
        bias = sign_rule(bias, seen, rate)


def groups(scores, biased):
    loads = counted(chosen(biased, (8, 4, K)))
    return loads, loads, []


def capacity(by):
    most = int(np.ceil(T * K / E * 1.25))

    def route(scores, biased):
        ids = chosen(biased)
        wanted = counted(ids)
        routed = np.zeros((T, E), bool)
        np.put_along_axis(routed, ids, True, axis=1)
        order = np.where(routed, scores if by == "score" else T - np.arange(T)[:, None], -1)
        stays = np.argsort(-order, axis=0, kind="stable")[:most]
        kept = np.zeros((T, E), bool)
        np.put_along_axis(kept, stays, True, axis=0)
        loads = (kept & routed).sum(axis=0)
        return loads, wanted, [wanted.sum() - loads.sum()]

    return route


def sinkhorn(logits, tolerance=1e-4, rounds=10**6):
    cost = np.exp(logits)
    tokens, experts = cost.shape
    d1, error, n = np.ones(experts), 1e9, 0
    while error > tolerance and n < rounds:
        d0 = 1 / (tokens * (cost @ d1))
        d1, old = 1 / (experts * (cost.T @ d0)), d1
        error, n = np.abs(d1 - old).mean(), n + 1
    return d1 * cost * d0[:, None], n


def threshold(out, rate=round(0.01 * ONE)):
    sample = SCORES[0][np.arange(512) * T // 512].reshape(-1)
    start = np.sort(sample)[::-1][len(sample) * K // E]
    bias = np.full(E, -(start << 12))
    for step in range(STEPS):
        passed = (SCORES[step % len(SCORES)] << 12) + bias > 0
        loads = passed.sum(axis=0)
        out.append(["threshold", step, *loads])
        over = np.sign(loads * E - loads.sum())
        total = rate * int(over.sum())
        mean = abs(total) // E * (1 if total >= 0 else -1)
        bias = bias - rate * (over + np.sign(int(loads.sum()) - T * K)) + mean


def deepseek(out):
    """256 made-up scores per token, 8 groups of 32, 4 kept, top 8."""
    t, e = np.meshgrid(np.arange(200, dtype=np.uint64), np.arange(256, dtype=np.uint64), indexing="ij")
    scores = (((t * 256 + e + 1) * 2654435761 % 2**32) >> 12).astype(np.int64)
    bias = ((e[0] * 40503 % 2**16)).astype(np.int64) << 2
    for token, ids in enumerate(chosen(scores + bias, (8, 4, 8))):
        out.append(["deepseek", token, *ids])


def main():
    out = []
    closed_loop(out, "groups", groups)
    closed_loop(out, "by_score", capacity("score"))
    closed_loop(out, "by_position", capacity("position"))
    threshold(out)
    rounds, moved = [], 0
    for step, logits in enumerate(LOGITS):
        scaled, n = sinkhorn(logits)
        fixed, _ = sinkhorn(logits, 0, 32)
        loads = counted(best(fixed, K))
        moved += np.abs(loads - counted(best(scaled, K))).sum() // 2
        rounds.append(n)
        out.append(["sinkhorn", step, *loads])
    deepseek(out)
    print("rounds until Megatron's tolerance:", min(rounds), "to", max(rounds))
    print("assignments that 32 rounds send elsewhere:", moved, "of", len(LOGITS) * T * K)
    text = "\n".join(" ".join(map(str, line)) for line in out) + "\n"
    Path(__file__).with_name("assignment.txt").write_text(text)


main()
