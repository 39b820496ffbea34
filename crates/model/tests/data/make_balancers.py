"""Makes balancers.json: the biases under each balancing rule, computed from its equation in float64, independently of the program.

    python make_balancers.py > balancers.json

The loads of 50 steps are drawn at random. The batch grows halfway, which shows whether a rule's memory depends on the batch size.
The equations' sources are in the doc comments of the files in crates/model/src/balance/.
"""

import json

import numpy as np

STEPS = 50
SHOWN = [1, 2, 3, 10, 25, 26, 50]


def loads_of(rng, experts, top_k, tokens):
    """Every token draws `top_k` different experts; some experts are far more popular than others."""
    weights = rng.normal(0.0, 1.5, experts)
    keys = weights + rng.gumbel(size=(tokens, experts))
    chosen = np.argpartition(-keys, top_k - 1, axis=1)[:, :top_k]
    return np.bincount(chosen.ravel(), minlength=experts)


def violation(c):
    return (c.mean() - c) / c.mean()


def sign(b, c, s, memory):
    return b + s["rate"] * np.sign(c.mean() - c)


def centred_sign(b, c, s, memory):
    step = s["rate"] * np.sign(c.mean() - c)
    return b + step - step.mean()


def proportional(b, c, s, memory):
    return b + s["rate"] * violation(c)


def rms(b, c, s, memory):
    share = c / c.sum() - 1.0 / len(c)
    return b - s["rate"] * share / np.sqrt(np.mean(share**2))


def smebu(b, c, s, memory):
    delta = s["rate"] * np.tanh(s["steepness"] * violation(c))
    delta = delta - delta.mean()
    memory["m"] = s["momentum"] * memory.get("m", 0.0) + (1.0 - s["momentum"]) * delta
    return b + memory["m"]


def id_balancing(b, c, s, memory):
    e = violation(c)
    before = memory.get("e", np.zeros_like(e))
    change = e - before
    gate = (before * change > 0).astype(float)
    memory["e"] = e
    b = b + s["rate"] * e + s["derivative"] * gate * change
    return b - b.mean()


def longcat(b, c, s, memory):
    top_k, computing = s["top_k"], len(c) - s["zero_experts"]
    tokens = c.sum() / top_k
    step = s["rate"] * (s["real_experts"] / top_k / computing - c / (top_k * tokens))
    step[computing:] = 0.0
    return b + step


RULES = {
    "Sign": (sign, {}),
    "CentredSign": (centred_sign, {}),
    "Proportional": (proportional, {}),
    "Rms": (rms, {}),
    "Smebu": (smebu, {"momentum": 0.5, "steepness": 2.0}),
    "IdBalancing": (id_balancing, {"derivative": 0.006}),
    "LongCat": (longcat, {"zero_experts": 5, "real_experts": 2.5}),
}
OTHERS = {
    "Smebu": {"momentum": 0.9, "steepness": 11.0},
    "IdBalancing": {"derivative": 0.05},
    "LongCat": {"zero_experts": 4, "real_experts": 3.75},
}


def case(rng, name, extra, experts, top_k, rate, freeze):
    move = RULES[name][0]
    settings = {"rate": rate, "freeze": freeze, **extra}
    b, memory, all_loads, shown = np.zeros(experts), {}, [], {}
    for step in range(STEPS):
        tokens = 200 if step < STEPS // 2 else 333
        c = loads_of(rng, experts, top_k, tokens)
        if freeze is None or step < freeze:
            b = move(b, c.astype(float), {**settings, "top_k": top_k}, memory)
        all_loads.append(c.tolist())
        if step + 1 in SHOWN:
            shown[step + 1] = [round(float(x), 13) for x in b]
    return {
        "rule": name,
        "settings": {k: v for k, v in settings.items() if v is not None},
        "top_k": top_k,
        "loads": all_loads,
        "biases": shown,
    }


def main():
    rng = np.random.default_rng(20240815)
    cases = []
    for name, (_, extra) in RULES.items():
        cases.append(case(rng, name, extra, 16, 4, 0.005, None))
        cases.append(case(rng, name, {**extra, **OTHERS.get(name, {})}, 33, 6, 0.3, 40))
    print("[")
    print(",\n".join(json.dumps(c, separators=(",", ":")) for c in cases))
    print("]")


main()
