//! Compares every gradient with finite differences of its loss, computed in f64.

use super::*;

/// A layer in f64, with the selection of one batch and the shares f held fixed, from which finite differences are computed.
struct Reference<'a> {
    examples: &'a Examples,
    experts: usize,
    gate: Gate,
    settings: &'a Learning,
    chosen: Vec<Vec<usize>>,
    /// For each token: f of the sequence it belongs to, per expert, and the weight of the token.
    f: Vec<(Vec<f64>, f64)>,
}

impl Reference<'_> {
    fn logits(&self, p: &[f64], t: usize) -> Vec<f64> {
        let x = &self.examples.x[t];
        (0..self.experts).map(|e| (0..DIM).map(|j| p[e * DIM + j] * f64::from(x[j])).sum()).collect()
    }

    fn softmax(z: &[f64]) -> Vec<f64> {
        let total: f64 = z.iter().map(|z| z.exp()).sum();
        z.iter().map(|z| z.exp() / total).collect()
    }

    fn scores(&self, p: &[f64], t: usize) -> Vec<f64> {
        let z = self.logits(p, t);
        if self.gate == Gate::Softmax {
            Self::softmax(&z)
        } else {
            z.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect()
        }
    }

    fn task(&self, p: &[f64]) -> f64 {
        let (w, s) = (self.experts * DIM, self.experts * DIM * (1 + OUT));
        let mut loss = 0.0;
        for (t, chosen) in self.chosen.iter().enumerate() {
            let score = self.scores(p, t);
            let total: f64 = chosen.iter().map(|&e| score[e]).sum();
            for q in 0..OUT {
                let through = |at: usize| -> f64 {
                    (0..DIM).map(|j| p[at + q * DIM + j] * f64::from(self.examples.x[t][j])).sum()
                };
                let gate =
                    |e: usize| if self.settings.gating == Gating::Normalised { score[e] / total } else { score[e] };
                let value = through(s) + chosen.iter().map(|&e| gate(e) * through(w + e * DIM * OUT)).sum::<f64>();
                loss += (value - f64::from(self.examples.y[t][q])).powi(2);
            }
        }
        loss / (2 * self.chosen.len() * OUT) as f64
    }

    fn auxiliary(&self, p: &[f64]) -> f64 {
        let of_token = |(t, (f, weight)): (usize, &(Vec<f64>, f64))| {
            let s = self.scores(p, t);
            let share = match self.settings.auxiliary {
                Auxiliary::Plain => s,
                Auxiliary::Switch => Self::softmax(&self.logits(p, t)),
                _ => s.iter().map(|x| x / s.iter().sum::<f64>()).collect(),
            };
            weight * share.iter().zip(f).map(|(p, f)| p * f).sum::<f64>()
        };
        self.f.iter().enumerate().map(of_token).sum()
    }

    fn z(&self, p: &[f64]) -> f64 {
        let n = self.chosen.len();
        let of_token = |t| self.logits(p, t).iter().map(|z| z.exp()).sum::<f64>().ln().powi(2);
        (0..n).map(of_token).sum::<f64>() / n as f64
    }
}

fn fractions(chosen: &[Vec<usize>], experts: usize) -> Vec<f64> {
    let all: usize = chosen.iter().map(Vec::len).sum();
    let count = |e: usize| chosen.iter().flatten().filter(|&&c| c == e).count();
    (0..experts).map(|e| (experts * count(e)) as f64 / all as f64).collect()
}

#[test]
fn every_gradient_is_that_of_its_loss() {
    const E: usize = 6;
    const T: usize = 50; // with sequences of 16 the last one is shorter, and 50 is no multiple of a tile
    let world = World { batch: T as u32, topics: 12, domains: 3, ..World::default() };
    let draw = Draw::new(Arc::new(Teacher::new(&world, 3)), &world, 5, 0);
    let examples = draw.examples(T, &Alone);
    let mut learned = Learned::untrained(E, 3);
    learned.parameters[..E * DIM].iter_mut().for_each(|c| *c *= 4.0);
    learned.parameters[E * DIM..].iter_mut().enumerate().for_each(|(i, w)| *w = *w * 8.0 + (i % 7) as f32 * 0.01);
    let selector = Selector::new(Rule::Sign, &[0, 40_000_000, -9_000_000, 0, 70_000_000, 0]);
    let mut worst: f64 = 0.0;
    for gate in [Gate::Sigmoid, Gate::Softmax] {
        let scores = Scorer::new(&learned.parameters, E, gate).all(&examples.x, &Alone);
        let rows: Vec<&[i32]> = scores.chunks(E).collect();
        let chosen: Vec<Vec<usize>> = rows.iter().map(|row| top(&selector, row, 2)).collect();
        let count = |e: usize| chosen.iter().flatten().filter(|&&c| c == e).count() as u32;
        let loads: Vec<u32> = (0..E).map(count).collect();
        for (gating, auxiliary) in Gating::iter().flat_map(|g| Auxiliary::iter().map(move |a| (g, a))) {
            let settings = Learning { gating, auxiliary, sequence: 16, z_loss: 0.1, ..Learning::default() };
            let of_sequence = |t: usize| -> (Vec<f64>, f64) {
                let whole = 1.0 / T as f64;
                let unbiased = |range: std::ops::Range<usize>, k| -> Vec<Vec<usize>> {
                    range.map(|t| top(&Selector::unbiased(E), rows[t], k)).collect()
                };
                match auxiliary {
                    Auxiliary::Switch => (fractions(&unbiased(0..T, 1), E), whole),
                    Auxiliary::SequenceWise => {
                        let range = t / 16 * 16..T.min(t / 16 * 16 + 16);
                        let weight = 1.0 / (range.len() * T.div_ceil(16)) as f64;
                        (fractions(&unbiased(range, 2), E), weight)
                    }
                    _ => (fractions(&chosen, E), whole),
                }
            };
            let f = (0..T).map(of_sequence).collect();
            let reference =
                Reference { examples: &examples, experts: E, gate, settings: &settings, chosen: chosen.clone(), f };
            let router = Router { experts: E as u32, top_k: 2, gate, ..Router::default() };
            let (selector, loads) = (&selector, &loads[..]);
            let lesson = Lesson {
                examples: &examples,
                router: &router,
                selector,
                scores: &scores,
                loads,
                settings: &settings,
                step: 0,
            };
            let mut room = Room::default();
            let made = gradients(&learned, &lesson, &mut room, &Alone).unwrap();
            let p: Vec<f64> = learned.parameters.iter().map(|&x| f64::from(x)).collect();
            let losses: [(&[f32], Loss<'_>); 3] = [
                (&made.whole.gradient, &|p| reference.task(p)),
                (&made.whole.auxiliary, &|p| reference.auxiliary(p)),
                (&made.whole.z, &|p| reference.z(p)),
            ];
            assert!((made.row.unwrap().loss - reference.task(&p)).abs() < 1e-5 * reference.task(&p));
            for (which, (gradient, loss)) in losses.into_iter().enumerate() {
                let size = gradient.iter().map(|g| f64::from(g.abs())).fold(0.0, f64::max);
                assert!(size > 1e-6, "{gate} {gating} {auxiliary}: gradient {which} is nothing");
                for i in (0..gradient.len()).step_by(11).chain(gradient.len() - 3..gradient.len()) {
                    let (mut up, mut down) = (p.clone(), p.clone());
                    up[i] += 1e-5;
                    down[i] -= 1e-5;
                    let real = (loss(&up) - loss(&down)) / 2e-5;
                    let off = (f64::from(gradient[i]) - real).abs() / size;
                    worst = worst.max(off);
                    assert!(
                        off < 2e-4,
                        "{gate} {gating} {auxiliary}, gradient {which} at {i}: {} for {real}",
                        gradient[i]
                    );
                }
            }
        }
    }
    println!("worst difference, relative to the largest entry: {worst:.1e}");
}

/// A loss as a function of all parameters.
type Loss<'a> = &'a dyn Fn(&[f64]) -> f64;
