"""Writes small arrays with NumPy and safetensors in the layouts that `arrays.rs` reads. All numbers are made up.

Every file holds the same three layers: scores(layer, token, expert) = ((7 * expert + 3 * token + 5 * layer) % 11) / 8,
and choices(layer, token) = [(token + layer) % 8, (token + layer + 3) % 8].
"""
import json
import struct
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

HERE = Path(__file__).parent
LAYERS, TOKENS, EXPERTS = 3, 24, 8
l, t, e = np.meshgrid(np.arange(LAYERS), np.arange(TOKENS), np.arange(EXPERTS), indexing="ij")
scores = ((7 * e + 3 * t + 5 * l) % 11) / 8
first = (t[..., 0] + l[..., 0]) % 8
chosen = np.stack([first, (first + 3) % 8], -1)


def raw_safetensors(path, arrays, metadata):
    """safetensors.numpy has no bfloat16: the file is written by hand."""
    header, body = {"__metadata__": metadata}, b""
    for name, (dtype, shape, data) in arrays.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def bf16(x):
    return (np.asarray(x, np.float32).view(np.uint32) >> 16).astype(np.uint16).tobytes()


for name, kind in [("f16", np.float16), ("f32", np.float32), ("f64", np.float64)]:
    save_file({"logits": scores[1].astype(kind)}, HERE / f"logits-2d-{name}.safetensors", {"top_k": "2", "layer": "1"})
raw_safetensors(
    HERE / "logits-2d-bf16.safetensors",
    {"logits": ("BF16", [TOKENS, EXPERTS], bf16(scores[1]))},
    {"num_experts_per_tok": "2", "layer": "1"},
)
steps = scores.reshape(LAYERS, 4, 6, EXPERTS).astype(np.float32)
save_file({"logits": steps[1]}, HERE / "logits-3d.safetensors", {"top_k": "2"})
save_file({"router_logits": scores.astype(np.float32)}, HERE / "router_logits-3d.safetensors")
save_file({"router_logits": steps}, HERE / "router_logits-4d.safetensors")
save_file({f"logits.{i}": steps[i] for i in range(LAYERS)}, HERE / "logits-by-layer.safetensors")
save_file(
    {f"model.layers.{i}.mlp.router_logits": steps[i].reshape(-1, EXPERTS) for i in range(LAYERS)}
    | {f"model.layers.{i}.mlp.gate.e_score_correction_bias": np.arange(8, dtype=np.float32) / 16 for i in range(LAYERS)}
    | {"token_ids": np.arange(TOKENS, dtype=np.int64).reshape(4, 6), "lm_head.bias": np.zeros(5, np.float32)},
    HERE / "modules.safetensors",
    {"scoring_func": "sigmoid", "num_experts_per_tok": "2"},
)
mask = np.ones((4, 6), np.int64)
mask[1, 4:] = 0
mask[3, :3] = 0
save_file(
    {"router_logits": steps, "attention_mask": mask, "input_ids": np.arange(TOKENS).reshape(4, 6),
     "expert_bias": (np.arange(24, dtype=np.float32) / 16).reshape(LAYERS, EXPERTS)},
    HERE / "masked.safetensors",
)
save_file({"topk_ids": chosen.astype(np.int32), "logits_of_text": np.zeros((2, 3), np.float32)}, HERE / "topk_ids-3d.safetensors")
np.save(HERE / "router_logits-fortran.npy", np.asfortranarray(scores.astype(np.float32)))
np.save(HERE / "router_logits-views.npy", scores.astype(np.float16)[:, ::2])
np.save(HERE / "routed_experts_rank0.npy", chosen.transpose(1, 0, 2).astype(np.int16))
np.save(HERE / "topk-fortran.npy", np.asfortranarray(chosen.transpose(1, 0, 2).astype(np.uint8)))
np.save(HERE / "unnamed.npy", chosen[0].astype(np.int64))
np.save(HERE / "big-endian-logits.npy", scores[0].astype(">f4"))
np.save(HERE / "logits-bf16.npy", np.frombuffer(bf16(scores[0]), dtype="V2").reshape(TOKENS, EXPERTS))
np.save(HERE / "logits-objects.npy", np.array([[1.5, "a"]], object), allow_pickle=True)
np.save(HERE / "router_logits-structured.npy", np.zeros(4, [("a", "<f4"), ("b", "<f4")]))
np.save(HERE / "logits-one-number.npy", np.float32(1.5))
np.save(HERE / "logits-empty.npy", np.zeros((0, 8), np.float32))
with open(HERE / "logits-version-2.npy", "wb") as f:
    np.lib.format.write_array(f, scores[0].astype(np.float32), version=(2, 0))
folder = HERE / "layers"
folder.mkdir(exist_ok=True)
for i in (2, 10, 9):
    np.save(folder / f"ffn_moe_logits-{i}.npy", scores[i % 3].astype(np.float32))
