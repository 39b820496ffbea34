"""Writes a router trace in the layout of Megatron-LM's --moe-routing-trace-path. All numbers are made up.

Two ranks, two steps of two micro-batches of six tokens, two layers and one that predicts a further token.
"""
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent / "megatron"
HERE.mkdir(exist_ok=True)


def scores(rank, batch, layer, token):
    return [((7 * e + 3 * token + 5 * layer + rank + 2 * batch) % 11) / 8 for e in range(8)]


def bf16(x):
    return (np.asarray(x, np.float32).view(np.uint32) >> 16).astype(np.uint16).tobytes()


for rank in range(2):
    with open(HERE / f"router_trace_rank{rank}.jsonl", "w") as trace, open(HERE / f"logits_rank{rank}.bin", "wb") as side:
        for batch in range(4):
            for block, mtp, layer in [("decoder", None, 3), ("decoder", None, 10), ("mtp", 0, 3)]:
                x = [scores(rank, batch, layer, t) for t in range(6)]
                record = {"step": batch // 2, "stage": "pre_dispatch", "block": block, "layer": layer, "rank": rank,
                          "num_tokens": 6, "topk": 2}
                if mtp is not None:
                    record["mtp_idx"] = mtp
                data = bf16(x)
                record |= {"logit_offset": side.tell(), "logit_bytes": len(data), "logit_shape": [6, 8]}
                side.write(data)
                record["top_indices"] = np.argsort(-np.array(x), -1, kind="stable")[:, :2].tolist()
                trace.write(json.dumps(record) + "\n")
