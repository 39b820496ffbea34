"""Writes small recordings with the libraries that people write theirs with: NumPy, pandas and Polars.

The files are as those libraries make them, so they need not be written anew. `python make_written.py FOLDER` writes them into a folder.
"""

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

FOLDER = Path(sys.argv[1])

# Counts of 2 layers and 4 experts in 3 steps: 100 × step + 10 × layer + expert.
counts = np.array([[[100 * s + 10 * l + e for e in range(4)] for l in range(2)] for s in range(3)])
# Experts of 6 tokens in 2 layers, and scores of 6 tokens for 4 experts.
chosen = np.array([[[(t + l) % 4, (t + l + 1) % 4] for l in range(2)] for t in range(6)])
scores = np.array([[t - 2.5 * e for e in range(4)] for t in range(6)], dtype=np.float32)

long = pd.DataFrame(
    [(s, l, e, counts[s, l, e]) for s in range(3) for l in range(2) for e in range(4)],
    columns=["step", "layer", "expert", "count"],
)


def numpy_files():
    np.savez(FOLDER / "stored.npz", logical_count=counts, top_k=2, scoring_func="sigmoid", notes=np.array(["a", "b"]))
    np.savez_compressed(FOLDER / "packed.npz", **{"router_logits.3": scores, "router_logits.12": np.asfortranarray(scores)})
    np.savez(FOLDER / "unnamed.npz", chosen.astype(np.uint8))
    np.savetxt(FOLDER / "savetxt.txt", counts[0])
    np.savetxt(FOLDER / "savetxt-header.csv", long.to_numpy(), fmt="%d", delimiter=",", header="step,layer,expert,count")


def pandas_files():
    long.to_csv(FOLDER / "long-index.csv")
    long.to_csv(FOLDER / "long.tsv.gz", sep="\t", index=False, compression={"method": "gzip", "mtime": 0})
    wide = long[long.layer == 0].pivot(index="step", columns="expert", values="count")
    wide.add_prefix("expert_").to_csv(FOLDER / "pivot.csv")
    pd.DataFrame(counts[0]).to_csv(FOLDER / "frame.csv")
    lists = pd.DataFrame(
        [(t, l, chosen[t, l].tolist()) for t in range(6) for l in range(2)], columns=["token_idx", "layer", "topk_ids"]
    )
    lists.to_csv(FOLDER / "lists.csv", index=False)
    lists.to_json(FOLDER / "records.json", orient="records")
    lists.to_json(FOLDER / "lines.json", orient="records", lines=True)
    pd.DataFrame(counts[0], index=["layer_0", "layer_1"]).T.to_json(FOLDER / "layers.json")


def polars_files():
    frame = pl.DataFrame(
        {"token_idx": range(6)} | {f"topk_{k}": chosen[:, 1, k] for k in range(2)} | {"text": ["a", "b,c", 'd"', "\n", "", "é"]}
    )
    frame.write_csv(FOLDER / "polars.csv", separator=";")
    frame.with_columns(topk_1=pl.when(pl.col("token_idx") == 5).then(None).otherwise("topk_1")).write_csv(
        FOLDER / "polars-null.csv"
    )


def json_files():
    (FOLDER / "indented.json").write_text(json.dumps({"top_k": 2, "logical_count": counts.tolist()}, indent=1))
    text = json.dumps({"layer": 1, "router_logits": scores.tolist()})
    (FOLDER / "scores.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


numpy_files()
pandas_files()
polars_files()
json_files()
