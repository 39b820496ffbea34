//! Every layer, read step by step, is what each layer is in memory.

use moebias_model::config::Gate;
use moebias_recordings::{Input, LeaveOut, Reading, read};
use std::sync::Arc;

/// Safetensors of three layers, 40 tokens each in two bytes per number, of which eight tokens in the middle are masked and six are alike.
fn file(dtype: &str) -> Vec<u8> {
    let (layers, tokens, experts) = (3, 400, 8);
    let mut data = vec![];
    let mut header = String::from("{");
    for layer in 0..layers {
        let from = data.len();
        for token in 0..tokens {
            for expert in 0..experts {
                let mixed = ((token * 31 + expert * 7 + layer * 101) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let mut x = (mixed >> 40) as f32 / (1 << 22) as f32 - 2.0;
                if (100..140).contains(&token) {
                    x = f32::NEG_INFINITY;
                } else if (200..240).contains(&token) {
                    x = expert as f32 / 8.0;
                }
                match dtype {
                    "F16" => data.extend(half(x)),
                    "BF16" => data.extend(((x.to_bits() >> 16) as u16).to_le_bytes()),
                    _ => data.extend(x.to_le_bytes()),
                }
            }
        }
        header += &format!(
            "\"router_logits.{layer}\":{{\"dtype\":\"{dtype}\",\"shape\":[{tokens},{experts}],\"data_offsets\":[{from},{}]}},",
            data.len()
        );
    }
    let header = header.trim_end_matches(',').to_owned() + "}";
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
}

/// A number that F16 holds exactly enough for this test: its sign, exponent and ten bits.
fn half(x: f32) -> [u8; 2] {
    let bits = x.to_bits();
    let (sign, exponent, mantissa) = ((bits >> 16) & 0x8000, ((bits >> 23) & 0xff) as i32 - 127 + 15, bits & 0x7f_ffff);
    let half = match exponent {
        _ if x == f32::NEG_INFINITY => 0xfc00,
        e if e <= 0 => sign,
        e => sign | (e as u32) << 10 | mantissa >> 13,
    };
    (half as u16).to_le_bytes()
}

#[test]
fn steps_of_every_layer_are_those_in_memory() {
    for dtype in ["F16", "BF16", "F32"] {
        for gate in [Gate::Sigmoid, Gate::Softmax, Gate::SqrtSoftplus] {
            for leave_out in [vec![], vec![LeaveOut::Identical]] {
                let reading =
                    Reading { gate: Some(gate), step: Some(50), top_k: Some(2), leave_out, ..Reading::default() };
                let input = Input::memory("x.safetensors", file(dtype)).unwrap();
                let recording = Arc::new(read(&input, &reading).unwrap());
                let first = &recording.layers[0];
                let facts = recording.facts(first).unwrap();
                assert_eq!((facts.masked, facts.tokens_identical()), (40, 80), "{:?}", facts.identical);
                let every = recording.every_layer(first, &facts, &reading).unwrap();
                assert_eq!(every.layers(8), [0, 1, 2]);
                assert!(every.layers(9).is_empty());
                for (i, layer) in recording.layers.iter().enumerate() {
                    let watched = recording.watch(layer, &facts, &reading).unwrap();
                    let (whole, size) = (watched.trace.scores(gate), every.tokens() * 8);
                    assert_eq!((every.steps(), every.tokens()), (watched.trace.steps, watched.trace.tokens));
                    for step in 0..every.steps() {
                        let one = every.step(i, step).unwrap().scores(gate);
                        assert_eq!(*one, whole[step * size..(step + 1) * size], "{dtype} {gate} layer {i} step {step}");
                    }
                }
            }
        }
    }
}
