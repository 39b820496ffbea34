"""Writes small tables with pandas, PyArrow, Polars and DuckDB in the layouts that `columns.rs` reads. All numbers are made up.

Every file of tokens holds scores(layer, token, expert) = ((7 * expert + 3 * token + 5 * layer) % 11) / 8 or
choices(layer, token) = [(token + layer) % 8, (token + layer + 3) % 8]; every file of counts has
count(step, layer, expert) = 10 * step + layer + expert.
"""
import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

HERE = Path(__file__).parent
LAYERS, TOKENS, EXPERTS, STEPS = 3, 24, 8, 4


def scores(layer, token):
    return [((7 * e + 3 * token + 5 * layer) % 11) / 8 for e in range(EXPERTS)]


def chosen(layer, token):
    return [(token + layer) % 8, (token + layer + 3) % 8]


def counts(step, layer):
    return [10 * step + layer + e for e in range(EXPERTS)]


rows = [(t, l) for t in range(TOKENS) for l in range(LAYERS)]
# One row per token and layer.
frame = pd.DataFrame({
    "step": [t // 6 for t, _ in rows],
    "token_id": [100 + t for t, _ in rows],
    "layer": [l for _, l in rows],
    "router_logits": [np.array(scores(l, t), np.float32) for t, l in rows],
    "topk_weights": [[0.5, 0.5] for _ in rows],
    "text": [f"word {t}" for t, _ in rows],
})
frame.attrs = {"num_experts_per_tok": 2, "scoring_func": "sigmoid"}
frame.to_parquet(HERE / "scores-pandas.parquet")
frame.to_parquet(HERE / "scores-gzip.parquet", compression="gzip", row_group_size=20)
frame.to_feather(HERE / "scores-pandas.feather")
table = pa.Table.from_pandas(frame)
feather.write_feather(table, HERE / "scores-uncompressed.feather", compression="uncompressed")
with pa.OSFile(str(HERE / "scores-stream.arrows"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
    writer.write_table(table, max_chunksize=10)
with pa.OSFile(str(HERE / "scores-zstd.arrow"), "wb") as sink, pa.ipc.new_file(
    sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
) as writer:
    writer.write_table(table, max_chunksize=17)

# Polars: names of modules, lists of small integers, zstd.
polars = pl.DataFrame({
    "token_idx": [t for t, _ in rows],
    "layer_name": [f"model.layers.{l}.mlp" for _, l in rows],
    "topk_ids": pl.Series([chosen(l, t) for t, l in rows], dtype=pl.List(pl.UInt8)),
})
polars.write_parquet(HERE / "chosen-polars.parquet")
polars.write_ipc(HERE / "chosen-polars.arrow", compression="lz4")
polars.write_ipc_stream(HERE / "chosen-polars.arrows", compression="zstd")
polars.with_columns(pl.col("layer_name").cast(pl.Categorical)).write_parquet(
    HERE / "chosen-categories.parquet", compression="lz4")
pl.DataFrame({
    "token_idx": range(TOKENS),
    "routed_experts": pl.Series(
        [[chosen(l, t) for l in range(LAYERS)] for t in range(TOKENS)], dtype=pl.Array(pl.Int16, (LAYERS, 2))),
}).write_parquet(HERE / "chosen-by-token.parquet")
# One row per request, as a dataset of responses has it.
requests = [list(range(10)), list(range(10, 24))]
pq.write_table(
    pa.table({
        "request_id": ["a", "b"],
        "input_ids": pa.array([[100 + t for t in r] for r in requests], pa.list_(pa.int64())),
        "routed_experts": pa.array(
            [[[chosen(l, t) for l in range(LAYERS)] for t in r] for r in requests],
            pa.large_list(pa.list_(pa.list_(pa.int32())))),
    }, metadata={"num_experts": "16", "huggingface": json.dumps({"info": {"features": {}}})}),
    HERE / "requests.parquet", compression="snappy")
# A column per layer, and a column per expert.
pq.write_table(
    pa.table({f"router_logits.{l}": pa.array([scores(l, t) for t in range(TOKENS)], pa.list_(pa.float16(), EXPERTS))
              for l in range(LAYERS)} | {"input_id": list(range(100, 124))}),
    HERE / "scores-column-per-layer.parquet", compression="none")
pl.DataFrame({"layer": [1] * TOKENS} | {f"logit_{e}": [scores(1, t)[e] for t in range(TOKENS)] for e in range(EXPERTS)}
             ).write_parquet(HERE / "scores-column-per-expert.parquet")
pl.DataFrame({"layer_id": [l for _, l in rows], "token_id": [t for t, _ in rows]}
             | {f"expert_{k}": [chosen(l, t)[k] for t, l in rows] for k in range(2)}
             ).write_parquet(HERE / "chosen-column-per-choice.parquet")

# Counts: lists, long, wide.
steps = [(s, l) for s in range(STEPS) for l in range(LAYERS)]
pd.DataFrame({"step": [s for s, _ in steps], "layer": [l for _, l in steps],
              "tokens_per_expert": [counts(s, l) for s, l in steps]}).to_parquet(HERE / "counts-lists.parquet")
pq.write_table(pa.table({"step": list(range(STEPS)),
                         "logical_count": [[counts(s, l) for l in range(LAYERS)] for s in range(STEPS)]}),
               HERE / "counts-by-layer.parquet", data_page_version="2.0")
long = duckdb.sql(f"""select s as step, l as layer_id, e as expert_id, 10 * s + l + e as count
    from range({STEPS}) t(s), range({LAYERS}) u(l), range({EXPERTS}) v(e) order by s, l, e""")
long.write_parquet(str(HERE / "counts-duckdb.parquet"))
pd.DataFrame([{"step": s, "layer": str(l)} | {f"expert_{e}": c for e, c in enumerate(counts(s, l))} for s, l in steps]
             ).to_feather(HERE / "counts-wide.feather")
pq.write_table(pa.table({"name": ["a"], "value": [1.5]}), HERE / "unrelated.parquet")
