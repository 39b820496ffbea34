#!/usr/bin/env python3
"""Moebias on a GPU beside eager PyTorch on the same GPU: one step of loss-free balancing (Wang et al. 2024, Algorithm 1).

    cargo build --release
    python3 benches/peers/compare_gpu.py             # without torch and CUDA only Moebias is measured

First, the same scenarios must end with the same digest on the CPU and on the GPU. Then steps are timed in alternating blocks, of which
the shortest step counts:

whole step    random tokens of 32 dimensions, logits, sigmoid, bias, top-K, counts, update. PyTorch draws f32 Gaussians and takes an f32
              exponential; Moebias draws int8 tokens from topics and uses its integer gate, and reads the loads and biases of every
              step back. The arithmetic differs, and a claim has to say so.
selection     scores and bias are on the GPU already: add, top-K, bincount, update. Only PyTorch is measured in this way; Moebias has
              no such mode on a GPU, so its whole step is compared with it.

The last lines are the design goals and whether this machine meets them.
"""
import argparse
import json
import subprocess
import sys
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--moebias", default="target/release/moebias", help="the binary")
parser.add_argument("--sizes", default="4096x64x6,16384x256x8,65536x256x8,1048576x256x8", help="tokens x experts x K")
parser.add_argument("--blocks", type=int, default=3)
parser.add_argument("--block-seconds", type=float, default=0.5)
parser.add_argument("--json", help="write all figures to this file")
args = parser.parse_args()
SCENARIOS = ["builtin:first-look", "builtin:softmax-gate", "builtin:sign-and-proportional", "builtin:real-model"]


def moebias(*words):
    done = subprocess.run([args.moebias, *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"moebias {' '.join(words)} failed: {done.stderr.strip()}")
    return done.stdout


def digests():
    """Prints for each scenario whether CPU and GPU end with the same digest; returns whether all do."""
    same = True
    for name in SCENARIOS:
        cpu, gpu = (json.loads(moebias("run", name, "--steps", "600", "--engine", e, "--json"))["digest"] for e in ["cpu", "gpu"])
        print(f"  {name:<34}{cpu}  {'equal' if cpu == gpu else 'DIFFERS: ' + gpu}")
        same &= cpu == gpu
    return same


def torch_steps(tokens, experts, top_k):
    """PyTorch's steps on CUDA, and the function that waits for them."""
    import torch
    torch.set_grad_enabled(False)
    draw = torch.Generator(device="cuda").manual_seed(1)
    new = lambda *shape: torch.empty(*shape, device="cuda")
    centroids = torch.randn(32, experts, generator=draw, device="cuda") / 32 ** 0.5
    x, biased, bias = new(tokens, 32), new(tokens, experts), torch.zeros(experts, device="cuda")
    scores = torch.sigmoid(torch.randn(tokens, 32, generator=draw, device="cuda") @ centroids)
    values, chosen = new(tokens, top_k), torch.empty(tokens, top_k, dtype=torch.int64, device="cuda")
    mean = tokens * top_k / experts

    def select():
        torch.topk(biased, top_k, dim=-1, sorted=False, out=(values, chosen))
        load = torch.bincount(chosen.view(-1), minlength=experts)
        bias.add_(torch.sign(mean - load.float()), alpha=1e-3)

    def whole():
        x.normal_()
        torch.mm(x, centroids, out=biased)
        torch.sigmoid(biased, out=biased)
        biased.add_(bias)
        select()

    def selection():
        torch.add(scores, bias, out=biased)
        select()

    return {"whole step": whole, "selection": selection}, torch.cuda.synchronize


def block(step, wait):
    """Returns the shortest mean over ten steps within a block, in ms."""
    step()
    wait()
    best, end = float("inf"), time.perf_counter() + args.block_seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        for _ in range(10):
            step()
        wait()
        best = min(best, (time.perf_counter() - began) * 100)
    return best


def main():
    try:
        import torch
        peer = f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}" if torch.cuda.is_available() else None
    except ImportError:
        peer = None
    print(peer or "no torch with CUDA here: Moebias alone is measured")
    print("digests after 600 steps")
    goals = [("digests equal", digests())]
    out, ours, ratios = [], {}, {}
    for size in args.sizes.split(","):
        tokens, experts, top_k = map(int, size.split("x"))
        best, (steps, wait) = {}, torch_steps(tokens, experts, top_k) if peer else ({}, None)
        for _ in range(args.blocks):
            [line] = json.loads(moebias("bench", "--engine", "gpu", "--sizes", size, "--json"))
            best[line["engine"]] = min(line["min_ms"], best.get(line["engine"], float("inf")))
            name = line["engine"]
            for kind, step in steps.items():
                best[f"PyTorch eager, {kind}"] = min(block(step, wait), best.get(f"PyTorch eager, {kind}", float("inf")))
        ours[size] = best[name]
        print(f"\n{size}: {tokens * experts / best[name] / 1e6:.2f} G pairs/s")
        for who, ms in best.items():
            ratio = "" if who == name else f"   {ms / best[name]:.1f}×"
            print(f"  {who:<60}{ms:10.4f} ms{ratio}")
            out.append({"size": size, "name": who, "min_ms": ms})
        if peer:
            ratios[size] = best["PyTorch eager, selection"] / best[name]
    if "65536x256x8" in ours:
        goals.append(("at least 0.2 T pairs/s at 65536x256x8", 65536 * 256 / ours["65536x256x8"] / 1e9 >= 0.2))
    if "65536x256x8" in ratios:
        goals.append(("at least 10× PyTorch's selection at 65536x256x8", ratios["65536x256x8"] >= 10))
    if "4096x64x6" in ours:
        goals.append(("at most 15 µs a step at 4096x64x6", ours["4096x64x6"] <= 0.015))
    if "1048576x256x8" in ours:
        goals.append(("at most 1.5 ms at 1048576x256x8", ours["1048576x256x8"] <= 1.5))
    print("\ngoals for a data-centre GPU")
    for goal, met in goals:
        print(f"  {'met    ' if met else 'not met'}  {goal}")
    if args.json:
        with open(args.json, "w") as file:
            json.dump(out, file, indent=1)


main()
