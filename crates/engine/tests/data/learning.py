#!/usr/bin/env python3
"""Writes learning.json: runs of a layer that learns, in NumPy and float64, with which crates/engine/tests/learning.rs compares the model.

    python3 crates/engine/tests/data/learning.py > crates/engine/tests/data/learning.json

Tokens, targets and untrained parameters are computed from small integers, so that both sides start from exactly the same floats.
"""
import json
import numpy as np

D, OUT = 32, 8
T, E, K, STEPS = 64, 8, 2, 40


def grid(*shape, a, b, scale):
    """Numbers that look random: ((a·i² + b·i + 17) mod 251 − 125)·scale of the flat index i, in float32."""
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    return ((((a * i * i + b * i + 17) % 251) - 125).astype(np.float32) * np.float32(scale)).astype(np.float64).reshape(shape)


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def top(key, k):
    """The k largest of each row; ties go to the lower index."""
    return np.argsort(-key, axis=1, kind="stable")[:, :k]


def fractions(idx):
    c = np.bincount(idx.ravel(), minlength=E)
    return E * c / c.sum()


def run(case):
    gate, gating, optimiser, aux, alpha, zeta, rule, rates = (case[k] for k in ("gate", "gating", "optimiser", "auxiliary", "alpha", "z_loss", "rule", "rates"))
    p = {"C": grid(E, D, a=7, b=31, scale=1 / 300), "W": grid(E, D, OUT, a=11, b=5, scale=1 / 4000), "S": np.zeros((D, OUT))}
    m, v = {k: np.zeros_like(x) for k, x in p.items()}, {k: np.zeros_like(x) for k, x in p.items()}
    teacher = grid(4, D, OUT, a=13, b=3, scale=1 / 400)
    bias, recent, out = np.zeros(E, np.int64), [], []
    for step in range(STEPS):
        # Four kinds of tokens, each with its own linear map; half of the tokens are of the first kind.
        kind = np.where(np.arange(T) % 2 == 0, 0, 1 + np.arange(T) // 2 % 3)
        centre = grid(4, D, a=3, b=19, scale=1 / 90)
        x = centre[kind] + grid(STEPS, T, D, a=17, b=23, scale=1 / 200)[step]
        x = x.astype(np.float32).astype(np.float64)
        y = np.einsum("td,tdo->to", x, teacher[kind]).astype(np.float32).astype(np.float64)
        z = x @ p["C"].T
        s = softmax(z) if gate == "Softmax" else 1 / (1 + np.exp(-z))
        s = np.floor(s * 2**20 + 0.5) / 2**20
        b = (bias + 2048 >> 12) / 2**20                 # Q32 to Q20, as in the key
        idx = top(s + b, K)
        load = np.bincount(idx.ravel(), minlength=E)
        recent = (recent + [load])[-4:]
        sk = np.take_along_axis(s, idx, 1)
        R = sk.sum(1, keepdims=True)
        g = sk / R if gating == "Normalised" else sk
        o = np.einsum("td,tkdo->tko", x, p["W"][idx])
        yhat = x @ p["S"] + np.einsum("tk,tko->to", g, o)
        err = yhat - y
        delta = err / (T * OUT)
        grad = {"S": x.T @ delta, "W": np.zeros_like(p["W"])}
        for k in range(K):
            np.add.at(grad["W"], idx[:, k], x[:, :, None] * (g[:, k, None] * delta)[:, None, :])
        gamma = np.einsum("tko,to->tk", o, delta)
        if gating == "Normalised":
            gamma = (gamma - (g * gamma).sum(1, keepdims=True)) / R
        ds = np.zeros_like(s)
        np.put_along_axis(ds, idx, gamma, 1)

        def through(ds):
            return s * (ds - (s * ds).sum(1, keepdims=True)) if gate == "Softmax" else ds * s * (1 - s)
        task = through(ds).T @ x
        sm = softmax(z)
        if aux == "Plain":
            da = through(np.broadcast_to(fractions(idx) / T, s.shape))
        elif aux == "Switch":
            f = fractions(top(s, 1))
            da = sm * (f - (sm * f).sum(1, keepdims=True)) / T
        else:
            if aux == "SequenceWise":
                f = np.concatenate([np.repeat(fractions(q)[None], len(q), 0) for q in np.split(top(s, K), T // 16)])
            elif aux == "GlobalBatch":
                f = (E * np.sum(recent, 0) / np.sum(recent))[None]
            else:
                f = fractions(idx)[None]
            S = s.sum(1, keepdims=True)
            da = through((f - (s * f).sum(1, keepdims=True) / S) / (S * T))
        pull = da.T @ x
        lse = np.log(np.exp(z).sum(1, keepdims=True))
        zgrad = (2 * lse * sm / T).T @ x
        a = alpha if aux != "None" else 0.0
        nt, na = np.linalg.norm(task), np.linalg.norm(pull)
        out.append(dict(loads=load.tolist(), loss=0.5 * np.mean(err**2), nmse=(err**2).sum() / (y**2).sum(),
                        cosine=(task * pull).sum() / (nt * na), force=a * na / nt, mean_score=s.mean()))
        grad["C"] = task + a * pull + zeta * zgrad
        n = step + 1
        factor = (0.1 + 0.45 * (1 + np.cos(np.pi * min(1, n / 100)))) * min(1, n / 50)
        for key in p:
            rate = factor * rates[1 if key == "C" else 0]
            if optimiser == "Adam":
                m[key] += 0.1 * (grad[key] - m[key])
                v[key] += 0.01 * (grad[key] ** 2 - v[key])
                p[key] -= rate * (m[key] / (1 - 0.9**n)) / (np.sqrt(v[key] / (1 - 0.99**n)) + 1e-8)
            else:
                m[key] = 0.9 * m[key] + grad[key]
                p[key] -= rate * m[key]
        if rule == "Sign":
            bias = bias + round(0.01 * 2**32) * np.sign(T * K - E * load)
    return dict(case, steps=out, norms={k: float(np.linalg.norm(x)) for k, x in p.items()})


def case(name, gate="Sigmoid", gating="Raw", optimiser="Adam", auxiliary="None", alpha=0.1, z_loss=0.0, rule="None", rates=(0.01, 0.01)):
    return dict(name=name, gate=gate, gating=gating, optimiser=optimiser, auxiliary=auxiliary, alpha=alpha, z_loss=z_loss, rule=rule, rates=list(rates))


CASES = [
    case("task alone"),
    case("loss-free", rule="Sign"),
    case("plain", auxiliary="Plain", alpha=0.01),
    case("normalised", auxiliary="Normalised", alpha=0.3),
    case("normalised gating", gating="Normalised", auxiliary="Normalised", alpha=0.1),
    case("SGD", optimiser="Sgd", rates=(0.5, 0.5), auxiliary="Normalised", alpha=0.1),
    case("Switch, softmax, z", gate="Softmax", auxiliary="Switch", alpha=0.1, z_loss=0.01),
    case("Switch, sigmoid, z", auxiliary="Switch", alpha=0.1, z_loss=0.01),
    case("sequence-wise", auxiliary="SequenceWise", alpha=0.3),
    case("global batch", auxiliary="GlobalBatch", alpha=0.3, rule="Sign"),
    case("softmax, normalised", gate="Softmax", gating="Normalised", auxiliary="Normalised", alpha=0.1),
]
print(json.dumps([run(c) for c in CASES], separators=(",", ":")))
