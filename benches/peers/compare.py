#!/usr/bin/env python3
"""Moebias beside NumPy, PyTorch and JAX: one step of loss-free balancing (Wang et al. 2024, Algorithm 1) on the CPU.

    cargo build --release
    python3 benches/peers/compare.py                 # with those of numpy, torch and jax that are installed
    python3 benches/peers/compare.py --only torch --sizes 16384x64x6 --json peers.json

Three comparisons, each against the best variant of each peer:

whole step    random tokens of 32 dimensions, logits, sigmoid, bias, top-K, counts, update. Peers draw f32 Gaussians and take an f32
              exponential; Moebias draws int8 tokens from topics and uses its integer gate, and also computes a digest of every step and
              estimates the moved share. Each generates tokens as in normal use; the arithmetic differs, and a claim has to say so.
given scores  scores are in memory: peers add the bias to sigmoids computed beforehand, Moebias to scores quantised when the trace was
              loaded.
given logits  f32 logits are in memory, and all compute the sigmoid in each step; Moebias rounds logits to Q14 and uses its integer gate.

Everything runs in blocks that alternate (Moebias, peer, peer, …, Moebias, …), so that a busy moment of the machine affects all alike.
The shortest step of all blocks counts. A step of Moebias is the mean over the steps of one call of an engine, about four milliseconds
of work, as at full speed in the lab. All use the same number of threads.
"""
import argparse
import json
import os
import subprocess
import sys
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--moebias", default="target/release/moebias", help="the binary")
parser.add_argument("--only", default="numpy,torch,jax", help="peers, separated by commas")
parser.add_argument("--sizes", default="4096x64x6,16384x64x6,16384x256x8,65536x256x8", help="tokens x experts x K")
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--blocks", type=int, default=4)
parser.add_argument("--block-seconds", type=float, default=0.5)
parser.add_argument("--json", help="write all figures to this file")
args = parser.parse_args()
for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"]:
    os.environ[name] = str(args.threads)

try:
    import numpy as np
except ImportError:
    sys.exit("compare.py needs numpy: python3 -m pip install numpy")

DIM, RATE, RING = 32, np.float32(1e-3), 2
WHOLE, GIVEN, SIGMOID = "whole step", "given scores", "given logits, sigmoid each step"
FLAGS = {WHOLE: [], GIVEN: ["--given-scores"], SIGMOID: ["--given-logits"]}


def data(tokens, experts):
    """Centroids [DIM, E], and a ring of logits and scores [T, E], f32."""
    draw = np.random.default_rng(1)
    centroids = draw.standard_normal((DIM, experts), dtype=np.float32) / np.float32(np.sqrt(DIM))
    logits = [draw.standard_normal((tokens, DIM), dtype=np.float32) @ centroids for _ in range(RING)]
    return centroids, logits, [1 / (1 + np.exp(-x)) for x in logits]


def turns(ring):
    """Yields the members of a ring in turn, without end."""
    at = 0
    while True:
        yield ring[at % len(ring)]
        at += 1


def numpy_peers(tokens, experts, top_k, centroids, logits, scores):
    mean = tokens * top_k / experts
    biased = np.empty((tokens, experts), np.float32)

    def update(bias, load):
        bias += RATE * np.sign(mean - load).astype(np.float32)

    def sigmoid(x, out):
        np.negative(x, out=out)
        np.exp(out, out=out)
        out += 1
        np.reciprocal(out, out=out)
        return out

    def by_argpartition(bias):
        chosen = np.argpartition(biased, experts - top_k, axis=1)[:, experts - top_k:]
        update(bias, np.bincount(chosen.ravel(), minlength=experts))

    def by_threshold(bias):
        least = np.partition(biased, experts - top_k, axis=1)[:, experts - top_k]
        update(bias, (biased >= least[:, None]).sum(0, dtype=np.int32))

    def given(select):
        bias, ring = np.zeros(experts, np.float32), turns(scores)

        def step():
            np.add(next(ring), bias, out=biased)
            select(bias)
        return step

    def given_logits(select):
        bias, ring = np.zeros(experts, np.float32), turns(logits)

        def step():
            sigmoid(next(ring), biased)
            np.add(biased, bias, out=biased)
            select(bias)
        return step

    def in_threads(given, prepare):
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(args.threads)
        bias, ring = np.zeros(experts, np.float32), turns(given)
        chunk = max(1, (1 << 17) // experts)  # 512 KiB, which stay in the L2 cache

        def work(x, low, high):
            load = np.zeros(experts, np.int64)
            for at in range(low, high, chunk):
                part = biased[at:min(at + chunk, high)]
                np.add(prepare(x[at:min(at + chunk, high)], part), bias, out=part)
                least = np.partition(part, experts - top_k, axis=1)[:, experts - top_k]
                load += (part >= least[:, None]).sum(0, dtype=np.int32)
            return load

        def step():
            x, n = next(ring), args.threads
            parts = [pool.submit(work, x, tokens * i // n, tokens * (i + 1) // n) for i in range(n)]
            update(bias, sum(p.result() for p in parts))
        return step

    def whole(select):
        bias, draw = np.zeros(experts, np.float32), np.random.default_rng(3)
        x = np.empty((tokens, DIM), np.float32)

        def step():
            draw.standard_normal(dtype=np.float32, out=x)
            np.matmul(x, centroids, out=biased)
            sigmoid(biased, biased)
            np.add(biased, bias, out=biased)
            select(bias)
        return step

    return [
        (WHOLE, "NumPy argpartition", whole(by_argpartition)),
        (WHOLE, "NumPy partition threshold", whole(by_threshold)),
        (GIVEN, "NumPy argpartition", given(by_argpartition)),
        (GIVEN, "NumPy partition threshold", given(by_threshold)),
        (GIVEN, "NumPy partition threshold, threads", in_threads(scores, lambda x, _: x)),
        (SIGMOID, "NumPy partition threshold", given_logits(by_threshold)),
        (SIGMOID, "NumPy partition threshold, threads", in_threads(logits, sigmoid)),
    ]


def torch_peers(tokens, experts, top_k, centroids, logits, scores):
    import torch
    torch.set_num_threads(args.threads)
    torch.set_grad_enabled(False)
    mean = tokens * top_k / experts
    centroids = torch.from_numpy(centroids)
    biased, x = torch.empty(tokens, experts), torch.empty(tokens, DIM)
    values, chosen = torch.empty(tokens, top_k), torch.empty(tokens, top_k, dtype=torch.int64)

    def select(bias):
        torch.topk(biased, top_k, dim=-1, sorted=False, out=(values, chosen))
        load = torch.bincount(chosen.view(-1), minlength=experts)
        bias += float(RATE) * torch.sign(mean - load.float())

    def whole():
        bias = torch.zeros(experts)

        def step():
            x.normal_()
            torch.mm(x, centroids, out=biased)
            torch.sigmoid(biased, out=biased)
            biased.add_(bias)
            select(bias)
        return step

    def given():
        bias, ring = torch.zeros(experts), turns([torch.from_numpy(s) for s in scores])

        def step():
            torch.add(next(ring), bias, out=biased)
            select(bias)
        return step

    def given_logits():
        bias, ring = torch.zeros(experts), turns([torch.from_numpy(z) for z in logits])

        def step():
            torch.sigmoid(next(ring), out=biased)
            biased.add_(bias)
            select(bias)
        return step

    label = "PyTorch eager, reused buffers"
    return [(WHOLE, label, whole()), (GIVEN, label, given()), (SIGMOID, label, given_logits())]


def jax_peers(tokens, experts, top_k, centroids, logits, scores):
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import jax.numpy as jnp
    mean = tokens * top_k / experts
    centroids = jnp.asarray(centroids)

    def update(s, bias):
        _, chosen = jax.lax.top_k(s + bias, top_k)
        load = jnp.zeros(experts, jnp.int32).at[chosen.ravel()].add(1)
        return bias + RATE * jnp.sign(mean - load.astype(jnp.float32))

    def draw(key):
        key, mine = jax.random.split(key)
        return key, jax.nn.sigmoid(jax.random.normal(mine, (tokens, DIM), jnp.float32) @ centroids)

    @jax.jit
    def whole_step(key, bias):
        key, s = draw(key)
        return key, update(s, bias)

    given_step = jax.jit(update)
    logits_step = jax.jit(lambda z, bias: update(jax.nn.sigmoid(z), bias))

    def whole():
        state = [jax.random.key(0), jnp.zeros(experts)]

        def step():
            state[:] = whole_step(*state)
            state[1].block_until_ready()
        return step

    def given(f, ring):
        ring, state = turns([jnp.asarray(r) for r in ring]), [jnp.zeros(experts)]

        def step():
            state[0] = f(next(ring), state[0])
            state[0].block_until_ready()
        return step

    label = "JAX jit"
    return [(WHOLE, label, whole()), (GIVEN, label, given(given_step, scores)), (SIGMOID, label, given(logits_step, logits))]


def moebias(size, kind):
    """Runs one block of every CPU kernel and returns the shortest step in ms, by engine."""
    command = [args.moebias, "bench", "--engine", "cpu", "--sizes", size, "--json"] + FLAGS[kind]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return {o["engine"]: o["min_ms"] for o in json.loads(done.stdout)}


def block(step):
    """Repeats a step for the duration of a block and returns the shortest time in ms."""
    step()
    best, end = float("inf"), time.perf_counter() + args.block_seconds
    while True:
        began = time.perf_counter()
        step()
        now = time.perf_counter()
        best = min(best, (now - began) * 1e3)
        if now > end:
            return best


def machine():
    try:
        lines = open("/proc/cpuinfo").read().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        import platform
        return platform.processor() or platform.machine()


def main():
    makers = {"numpy": numpy_peers, "torch": torch_peers, "jax": jax_peers}
    versions, wanted = [], []
    for name in args.only.split(","):
        try:
            versions.append(f"{name} {__import__(name).__version__}")
            wanted.append(makers[name])
        except ImportError:
            print(f"{name} can't be imported and is left out")
    print(f"{machine()}, {args.threads} threads; {', '.join(versions)}")
    out = []
    for size in args.sizes.split(","):
        tokens, experts, top_k = map(int, size.split("x"))
        made = data(tokens, experts)
        peers = [p for make in wanted for p in make(tokens, experts, top_k, *made)]
        best = {}

        def keep(kind, name, ms):
            best[kind, name] = min(ms, best.get((kind, name), float("inf")))

        for _ in range(args.blocks):
            for kind in FLAGS:
                for engine, ms in moebias(size, kind).items():
                    keep(kind, engine, ms)
            for kind, name, step in peers:
                keep(kind, name, block(step))
        print(f"\n{size}")
        for kind in FLAGS:
            ours = {n: ms for (k, n), ms in best.items() if k == kind and n.startswith("CPU, ")}
            theirs = {n: ms for (k, n), ms in best.items() if k == kind and n not in ours}
            print(f"  {kind}")
            for name, ms in {**ours, **theirs}.items():
                print(f"    {name:<44}{ms:10.3f} ms")
                out.append({"size": size, "kind": kind, "name": name, "min_ms": ms})
            for peer in sorted({n.split()[0] for n in theirs}) if ours else []:
                fastest = min(ms for n, ms in theirs.items() if n.startswith(peer))
                ratios = ", ".join(f"{n.rsplit(', ', 1)[1]} {fastest / ms:.1f}×" for n, ms in ours.items())
                print(f"    over {peer}: {ratios}")
    if args.json:
        with open(args.json, "w") as file:
            json.dump(out, file, indent=1)


main()
