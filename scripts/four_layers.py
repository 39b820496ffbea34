"""Makes assets/traces/four_layers.safetensors, the recording of the lesson "Your own model".

    python scripts/four_layers.py > assets/traces/four_layers.safetensors

Router logits of 4 layers with 16 experts, made of random numbers: no model computed them. The first quarter of the 1,024 tokens are warm-up
tokens with identical rows. In layer 1 they go to experts that are popular anyway, so that with them layer 1 seems to be the least balanced;
without them it is layer 3, where a few experts are far more popular than the others.
"""

import json
import random
import struct
import sys

LAYERS, TOKENS, EXPERTS, TOP_K, STEP = 4, 1024, 16, 2, 256
WARM_UP = TOKENS // 4
# How much the popularity of experts differs within each layer, in logits.
SPREAD = [0.25, 0.45, 0.3, 1.2]
SEED = 15


def layer(rng, spread, aligned):
    """The rows of one layer. `aligned`: the warm-up tokens go to its most popular experts, not to ordinary ones."""
    # Evenly spaced from the least to the most popular expert, in a random order.
    popular = [spread * (2 * i / (EXPERTS - 1) - 1) for i in range(EXPERTS)]
    rng.shuffle(popular)
    order = sorted(range(EXPERTS), key=lambda e: popular[e])
    chosen = order[-TOP_K:] if aligned else order[EXPERTS // 2 - TOP_K : EXPERTS // 2]
    warm_up = [1.5 if e in chosen else rng.gauss(-1.0, 0.3) for e in range(EXPERTS)]
    for _ in range(WARM_UP):
        yield warm_up
    for _ in range(TOKENS - WARM_UP):
        yield [popular[e] + rng.gauss(-0.5, 1.0) for e in range(EXPERTS)]


def main():
    rng = random.Random(SEED)
    facts = {"num_experts": EXPERTS, "top_k": TOP_K, "gate": "sigmoid", "tokens_per_step": STEP}
    header = {"__metadata__": {key: str(value) for key, value in facts.items()}}
    data = bytearray()
    for at, spread in enumerate(SPREAD):
        begin = len(data)
        for row in layer(rng, spread, aligned=at == 1):
            data += struct.pack(f"<{EXPERTS}e", *row)
        name = f"layers.{at}.router_logits"
        header[name] = {"dtype": "F16", "shape": [TOKENS, EXPERTS], "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    sys.stdout.buffer.write(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    main()
