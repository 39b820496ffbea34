"""Writes small recordings with the libraries that people write theirs with: NumPy, pandas, Polars and GGUF; and, in the layout of
torch.save, with Python's own pickle and zipfile.

The files are as those libraries make them, so they need not be written anew. `python make_written.py FOLDER` writes them into a folder.
"""

import collections
import gzip
import io
import json
import pickle
import sys
import types
import zipfile
from pathlib import Path

import gguf
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


# The names that torch.save writes into a pickle; the classes themselves do nothing.
torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
sys.modules |= {"torch": torch, "torch._utils": utils}


def _rebuild_tensor_v2():
    pass


def _rebuild_parameter():
    pass


for function in (_rebuild_tensor_v2, _rebuild_parameter):
    function.__module__ = "torch._utils"
    setattr(utils, function.__name__, function)
STORAGES = {"f4": "Float", "f2": "Half", "f8": "Double", "i8": "Long", "i4": "Int", "i2": "Short", "i1": "Char", "u1": "Byte", "b1": "Bool"}
for name in [*STORAGES.values(), "BFloat16"]:
    setattr(torch, f"{name}Storage", type(f"{name}Storage", (), {"__module__": "torch"}))


class Storage:
    def __init__(self, name, content, length):
        self.name, self.content, self.length = name, content, length


class Tensor:
    """An array as torch.save names it; `view` is a slice of its storage, as (offset, shape, strides)."""

    def __init__(self, array, name=None, view=None):
        array = np.asarray(array)
        strides = tuple(s // array.itemsize for s in np.ascontiguousarray(array).strides)
        self.view = view or (0, array.shape, strides)
        self.storage = Storage(name or STORAGES[array.dtype.str[1:]], np.ascontiguousarray(array).tobytes(), array.size)

    def __reduce__(self):
        offset, shape, strides = self.view
        return _rebuild_tensor_v2, (self.storage, offset, shape, strides, False, collections.OrderedDict())


class Parameter(Tensor):
    def __reduce__(self):
        function, arguments = super().__reduce__()
        tensor = types.new_class("T", (), {}, lambda d: d.update(__reduce__=lambda self: (function, arguments)))()
        return _rebuild_parameter, (tensor, False, collections.OrderedDict())


def save(name, value, folder="archive", protocol=2):
    storages, out = [], io.BytesIO()

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            if not isinstance(obj, Storage):
                return None
            if obj not in storages:
                storages.append(obj)
            return ("storage", getattr(torch, f"{obj.name}Storage"), str(storages.index(obj)), "cpu", obj.length)

    Pickler(out, protocol).dump(value)
    with zipfile.ZipFile(FOLDER / name, "w", zipfile.ZIP_STORED) as archive:
        entries = {"data.pkl": out.getvalue(), ".format_version": b"1", ".storage_alignment": b"64", "byteorder": b"little"}
        entries |= {f"data/{i}": storage.content for i, storage in enumerate(storages)} | {"version": b"3\n"}
        for entry, content in entries.items():
            archive.writestr(zipfile.ZipInfo(f"{folder}/{entry}"), content)


def torch_files():
    # As SGLang's recorder writes its modes `stat`, `per_pass` and `per_token`.
    save(
        "sglang-stat.pt",
        {"rank": 0, "logical_count": Tensor(counts.astype(np.int32)), "average_utilization_rate_over_window": None},
    )
    # Six physical experts: expert 1 lies on 1 and 4, expert 3 on 3 and 5, in layer 1 the other way round.
    owners = np.array([[0, 1, 2, 3, 1, 3], [0, 1, 2, 3, 3, 1]])
    physical = np.zeros((3, 2, 6), dtype=np.int32)
    physical[:, :, :4] = counts
    for layer in range(2):
        for copy in (4, 5):
            physical[:, layer, owners[layer, copy]] -= 1
            physical[:, layer, copy] = 1
    passes = [
        {"forward_pass_id": 7 + s, "rank": 0, "gatherer_key": "primary", "global_physical_count": Tensor(physical[s])}
        for s in range(3)
    ]
    save("sglang-per-pass.pt", {"records": passes, "last_physical_to_logical_map": Tensor(owners)})
    padded = np.full((3, 6, 8), -1, dtype=np.int32)
    padded[1:, :, :2] = chosen.transpose(1, 0, 2)
    tokens = [
        {
            "forward_pass_id": s,
            "rank": 0,
            "gatherer_key": "primary",
            "input_ids": [50 + t for t in range(3 * s, 3 * s + 3)],
            "positions": list(range(3 * s, 3 * s + 3)),
            "extend_seq_lens": [3],
            "forward_mode": 1,
            "topk_ids_of_layer": Tensor(padded[:, 3 * s : 3 * s + 3]),
            "misc_objects": [],
            "global_physical_count": Tensor(np.zeros((3, 4), dtype=np.int32)),
        }
        for s in range(2)
    ]
    save("sglang-per-token.pt", {"records": tokens, "last_physical_to_logical_map": Tensor(np.tile(np.arange(4), (3, 1)))})
    # A dictionary by layer, in bfloat16 and half, transposed, as a parameter, and with a newer pickle.
    bfloat16 = (scores.view(np.uint32) >> 16).astype(np.uint16)
    save(
        "by-layer.pth",
        collections.OrderedDict(
            [
                ("model.layers.3.router_logits", Tensor(bfloat16, "BFloat16")),
                ("model.layers.4.router_logits", Tensor(scores.astype(np.float16))),
                ("model.layers.12.router_logits", Tensor(np.ascontiguousarray(scores.T), None, (0, (6, 4), (1, 6)))),
                ("model.layers.13.router_logits", Parameter(scores)),
                ("config", {"num_experts_per_tok": 2, "scoring_func": "softmax"}),
            ]
        ),
        "by-layer",
        4,
    )
    # What a model returns: a tuple of one tensor per layer, here slices of one storage.
    both = np.concatenate([scores, scores])
    first, second = Tensor(both, None, (0, (6, 4), (4, 1))), Tensor(both, None, (24, (6, 4), (4, 1)))
    second.storage = first.storage
    save("tuple.pt", (first, second))
    save("lists.pt", {"logical_count": counts.tolist(), "top_k": 2})
    save("steps.pt", [{"step": s, "layer": 0, "tokens_per_expert": Tensor(counts[s, 0])} for s in range(3)])
    with open(FOLDER / "old.pt", "wb") as file:
        pickle.dump({"logical_count": counts.tolist()}, file, 2)
    save("module.pt", {"model": types.SimpleNamespace(x=1), "logical_count": Tensor(counts)})


def gguf_files():
    # As llama.cpp's imatrix writes it: in_sum2 [experts, width] and counts [experts, 1] for each projection.
    def matrix(name, kind, projections, of=lambda projection, layer: counts[0, layer]):
        writer = gguf.GGUFWriter(FOLDER / name, None)
        writer.add_type(kind)
        writer.add_array("imatrix.datasets", ["calibration.txt"])
        writer.add_uint32("imatrix.chunk_count", 5)
        writer.add_uint32("imatrix.chunk_size", 512)
        for layer in range(2):
            for projection in projections:
                writer.add_tensor(f"blk.{layer + 1}.{projection}.weight.in_sum2", np.ones((4, 3), dtype=np.float32))
                values = np.asarray(of(projection, layer), dtype=np.float32).reshape(-1, 1)
                writer.add_tensor(f"blk.{layer + 1}.{projection}.weight.counts", values)
            writer.add_tensor(f"blk.{layer + 1}.attn_k.weight.counts", np.full((1, 1), 46, dtype=np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    matrix("imatrix.gguf", "imatrix", ["ffn_down_exps", "ffn_gate_exps", "ffn_up_exps"])
    matrix("imatrix-differs.gguf", "imatrix", ["ffn_up_exps", "ffn_gate_exps"], lambda p, l: counts[int(p == "ffn_up_exps"), l])
    matrix("imatrix-dense.gguf", "imatrix", [])
    matrix("model.gguf", "model", ["ffn_gate_exps"])


numpy_files()
pandas_files()
polars_files()
json_files()
torch_files()
gguf_files()
