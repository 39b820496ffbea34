"""Makes compare.json: the figures of the comparison table, computed from an exported CSV with NumPy, independently of the program.

    moebias run tests/data/compare.ron --csv compare.csv
    python make_compare.py compare.csv > compare.json

Everything is computed from the loads, the biases and the moved shares alone. Definitions: the doc comments of src/model/figures.rs.
"""

import csv
import json
import sys

import numpy as np

IN_BALANCE = 0.2
SHORT = 16
LONG = 64
RECENT = 100
# Steps at which the scenario changes something.
CHANGES = [150]


def fnv(data):
    """FNV-1a, 64 bits: which file the figures are of."""
    h = 0xCBF29CE484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def max_vio(loads):
    return loads.max() / loads.mean() - 1


def settled(balanced):
    """The first step from which all of 64 steps are in balance."""
    windows = np.lib.stride_tricks.sliding_window_view(balanced, LONG).all(axis=1)
    return int(np.argmax(windows)) if windows.any() else None


def swing(series):
    """Half the range from 5 % to 95 %, and the first maximum of the autocorrelation beyond lag 1 that chance does not make."""
    n = len(series)
    steps = np.arange(n)
    rest = series - np.polyval(np.polyfit(steps, series, 1), steps)
    low, high = np.quantile(rest, [0.05, 0.95])
    correlation = np.array([rest[lag:] @ rest[: n - lag] for lag in range(n // 2 + 2)])
    least = 1.96 / np.sqrt(n) * correlation[0]
    for lag in range(2, n // 2 + 1):
        before, here, after = correlation[lag - 1 : lag + 2]
        if here > before and here >= after and here > least:
            return (high - low) / 2, lag
    return (high - low) / 2, None


def figures(rows):
    columns = lambda name: np.array([[float(r[c]) for c in r if c.startswith(name)] for r in rows])
    loads, biases = columns("load_"), columns("bias_")[:, 3:]
    moved = np.array([float(r["moved_share"]) for r in rows])
    n = len(rows)
    per_batch = np.array([max_vio(step) for step in loads])
    # Nothing before the last change of a setting is steady.
    changed = max((int(s) for s in CHANGES if int(s) < n), default=0)
    of_sixteen = np.array([max_vio(loads[max(0, i + 1 - SHORT) : i + 1].sum(axis=0)) for i in range(n)])
    balanced = of_sixteen <= IN_BALANCE
    settling = settled(balanced)
    again = settled(balanced[changed:])
    last = slice(max(n - RECENT, changed + (again or 0)), n)
    amplitudes, periods = zip(*(swing(b) for b in biases[-RECENT:].T))
    known = [p for p in periods if p is not None]
    return {
        "settling_time": settling,
        "steady_maxvio": per_batch[last].mean(),
        "moved_share": moved[last].mean(),
        "time_in_balance": balanced.mean(),
        "oscillation_amplitude": float(np.median(amplitudes)),
        "oscillation_period": float(np.median(known)) if 2 * len(known) >= len(periods) else None,
    }


data = open(sys.argv[1], "rb").read()
rows = list(csv.DictReader(data.decode().splitlines()))
names = list(dict.fromkeys(r["variant"] for r in rows))
out = {"csv": fnv(data), "steps": len(rows) // len(names)}
out["variants"] = [{"name": n, **figures([r for r in rows if r["variant"] == n])} for n in names]
json.dump(out, sys.stdout, indent=1)
print()
