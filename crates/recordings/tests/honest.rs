//! No false alarms on honest recordings, and no missed alarm where a gate was applied already.

use crate::text::{Random, npy, read, single};
use moebias_model::config::Gate;
use moebias_recordings::{Reading, Remedy, Sign};

/// A router's output: token t of domain d has logits of its domain's and the experts' preferences and its own.
struct Made {
    tokens: usize,
    experts: usize,
    logits: Vec<f64>,
}

impl Made {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let experts = [4, 8, 16, 60, 64, 128, 256][random.below(7)];
        let tokens = [40, 300, 1024, 3000][random.below(4)];
        let domains = 1 + random.below(4);
        // From a router that is balanced to one that has nearly collapsed, from one that does not care to one that is sure.
        let (skew, own) = ([0.0, 0.3, 1.0, 2.5][random.below(4)], [0.3, 1.0, 3.0][random.below(3)]);
        // A router that sends nearly all tokens of a long domain to the same experts can't be told from padding.
        let stay = if skew > own { 0.0 } else { [0.0, 0.5, 0.98][random.below(3)] };
        let offset = [0.0, 0.0, -3.0, 1.0][random.below(4)];
        let liked: Vec<f64> = (0..domains * experts).map(|_| skew * random.normal()).collect();
        let mut domain = 0;
        let mut logits = vec![];
        for _ in 0..tokens {
            if random.unit() >= stay {
                domain = random.below(domains);
            }
            logits.extend(liked[domain * experts..][..experts].iter().map(|l| offset + l + own * random.normal()));
        }
        Self { tokens, experts, logits }
    }

    fn row(&self, token: usize) -> &[f64] {
        &self.logits[token * self.experts..][..self.experts]
    }

    fn chosen(&self, top_k: usize) -> Vec<u16> {
        let best = |t: usize| {
            let mut order: Vec<u16> = (0..self.experts as u16).collect();
            order.sort_by(|&a, &b| self.row(t)[b as usize].total_cmp(&self.row(t)[a as usize]));
            order.truncate(top_k);
            order
        };
        (0..self.tokens).flat_map(best).collect()
    }

    fn gated(&self, gate: Gate) -> Vec<f64> {
        let of_row = |t: usize| -> Vec<f64> {
            let row = self.row(t);
            match gate {
                Gate::Sigmoid => row.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect(),
                Gate::SqrtSoftplus => row.iter().map(|x| x.exp().ln_1p().sqrt()).collect(),
                _ => {
                    let all: f64 = row.iter().map(|x| x.exp()).sum();
                    row.iter().map(|x| x.exp() / all).collect()
                }
            }
        };
        (0..self.tokens).flat_map(of_row).collect()
    }
}

/// What is odd about a recording, but for signs that are not alarms.
fn odd(name: &str, file: Vec<u8>, reading: &Reading) -> Vec<(Sign, Option<Remedy>, String)> {
    let recording = read(name, file, reading).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut found = recording.odd_file();
    for layer in &recording.layers {
        found.extend(recording.odd(layer, &recording.facts(layer).unwrap(), reading));
    }
    found.into_iter().map(|o| (o.sign, o.remedy, o.text)).collect()
}

#[test]
fn honest_recordings_raise_no_alarm() {
    for seed in 0..200 {
        let made = Made::new(seed);
        let (t, e) = (made.tokens, made.experts);
        let mut random = Random(!seed);
        let top_k = 1 + random.below(e.min(8) / 2);
        let chosen = made.chosen(top_k);
        let file = npy("<f4", &[t, e], &single(&made.logits));
        assert_eq!(odd("router_logits.npy", file, &Reading::default()), [], "scores of seed {seed}: {t} × {e}");
        let declared = Reading { experts: Some(e as u32), ..Reading::default() };
        let bytes: Vec<u8> = chosen.iter().flat_map(|c| c.to_le_bytes()).collect();
        let file = npy("<u2", &[t, 1, top_k], &bytes);
        assert_eq!(odd("routed_experts.npy", file, &declared), [], "choices of seed {seed}: {t} of {top_k} among {e}");
        // Token ids as in text: a few are frequent, and some come twice in a row.
        let lines: String = (0..t)
            .map(|i| {
                let id = (1.0 / (random.unit() + 1e-4)) as u64;
                let ids: Vec<String> = chosen[i * top_k..][..top_k].iter().map(u16::to_string).collect();
                format!("{{\"token_id\": {id}, \"layer\": 0, \"topk_ids\": [{}]}}\n", ids.join(", "))
            })
            .collect();
        assert_eq!(odd("routing.jsonl", lines.into_bytes(), &declared), [], "lines of seed {seed}");
        let steps = t.div_ceil(256);
        let mut counts = vec![0u64; steps * e];
        chosen.iter().enumerate().for_each(|(i, &c)| counts[i / top_k / 256 * e + c as usize] += 1);
        let bytes: Vec<u8> = counts.iter().flat_map(|c| c.to_le_bytes()).collect();
        let file = npy("<i8", &[steps, 1, e], &bytes);
        assert_eq!(odd("expert_counts.npy", file, &Reading::default()), [], "counts of seed {seed}: {steps} × {e}");
    }
}

#[test]
fn a_gate_that_was_applied_already_is_noticed() {
    for seed in 0..60 {
        let made = Made::new(seed);
        for gate in [Gate::Softmax, Gate::Sigmoid, Gate::SqrtSoftplus] {
            let file = npy("<f4", &[made.tokens, made.experts], &single(&made.gated(gate)));
            for declared in [None, Some(gate)] {
                let reading = Reading { gate: declared, ..Reading::default() };
                let found = odd("router_logits.npy", file.clone(), &reading);
                // A few positive numbers may well be logits.
                if gate == Gate::SqrtSoftplus && declared.is_none() && made.logits.len() < 4096 {
                    continue;
                }
                let [(Sign::Probabilities, Some(Remedy::Gated(said)), _)] = found.as_slice() else {
                    panic!("{gate} of seed {seed}, declared {declared:?}: {found:?}");
                };
                // All scores of sqrtsoftplus may be below 1: then they could be a sigmoid's, unless the gate is declared.
                let alike = gate == Gate::SqrtSoftplus && declared.is_none() && *said == Gate::Sigmoid;
                assert!(*said == gate || alike, "{gate} of seed {seed}, declared {declared:?}, was taken for {said}");
                let remedied = Reading { gated: Some(gate), ..reading };
                assert_eq!(odd("router_logits.npy", file.clone(), &remedied), []);
            }
        }
    }
}
