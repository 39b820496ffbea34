//! Tokens with targets, from which a layer learns: the world.
//!
//! ```text
//! domain ~ Zipf(skew), topic m evenly within the domain, ξ, ζ ~ nearly normal
//! x = √common·μ + √(1 − common − noise)·c_m + √noise·ξ      c_m = √kinship·c_domain + √(1 − kinship)·c_topic
//! y = M_m x + target_noise·ζ                                M_m likewise, entries of variance 1/DIM
//! ```
//!
//! μ, c and M are drawn once per seed. All tokens share μ, which makes an untrained router unbalanced, as the anisotropic hidden states of
//! language models do. A nearly normal number is the scaled sum of eight random bytes: it lies within ±4.9, and its kurtosis is 0.15 below
//! a Gaussian's. A token depends on (token, step, seed) alone, so any token of any step can be made at any time.

use super::OUT;
use super::settings::World;
use super::spread::{Spread, part_of};
use crate::random::{Stream, pcg4d};
use crate::settings::DIM;
use std::f64::consts::TAU;
use std::sync::Arc;

/// Random counters reserved for each token: one for its topic, and one for every two of its nearly normal numbers.
const WORDS: u32 = 32;
/// Standard deviation of the sum of eight uniform bytes: √(8·(256² − 1)/12).
const SPREAD: f32 = 209.022_8;

/// A nearly normal number from 64 random bits.
#[inline]
fn normal(a: u32, b: u32) -> f32 {
    let pairs = |w: u32| (w & 0x00ff_00ff) + ((w >> 8) & 0x00ff_00ff);
    let sum = pairs(a) + pairs(b);
    (((sum & 0xffff) + (sum >> 16)) as i32 - 1020) as f32 / SPREAD
}

/// Two nearly normal numbers from one counter.
#[inline]
fn two(index: u32, step: u32, stream: Stream, seed: u32) -> [f32; 2] {
    let [a, b, c, d] = pcg4d(index, step, stream, seed);
    [normal(a, b), normal(c, d)]
}

/// `N` nearly normal numbers: the `index`-th array of its stream.
fn normals<const N: usize>(index: u32, step: u32, stream: Stream, seed: u32) -> [f32; N] {
    let mut out = [0.0; N];
    for (pair, at) in out.chunks_mut(2).zip(index * N.div_ceil(2) as u32..) {
        pair.copy_from_slice(&two(at, step, stream, seed)[..pair.len()]);
    }
    out
}

/// Initial parameters: `count` arrays of [`DIM`] nearly normal numbers times `scale`.
pub(super) fn untrained(count: usize, scale: f32, stream: Stream, seed: u32) -> impl Iterator<Item = f32> {
    (0..count as u32).flat_map(move |i| normals::<DIM>(i, 0, stream, seed)).map(move |x| x * scale)
}

/// What stays the same at every step: the centre and the map of each topic.
#[derive(Debug)]
pub struct Teacher {
    settings: World,
    seed: u32,
    /// μ, the part that all tokens share.
    mean: [f32; DIM],
    /// c_m, the centre of each topic.
    centres: Vec<[f32; DIM]>,
    /// M_m, the map of each topic, as [DIM][OUT].
    maps: Vec<[[f32; OUT]; DIM]>,
    /// The first topic of each domain; at the end, the number of topics.
    first: Vec<u32>,
    /// Where in its cycle each domain's popularity starts, in turns.
    phases: Vec<f64>,
}

impl Teacher {
    /// The world of these settings and this seed.
    #[must_use]
    pub fn new(settings: &World, seed: u32) -> Self {
        let domains = if settings.domains == 0 { settings.topics } else { settings.domains }.max(1);
        let first = first_topics(settings, domains);
        let (own, kin) = ((1.0 - settings.kinship as f32).sqrt(), (settings.kinship as f32).sqrt());
        let (own, kin) = if settings.domains == 0 { (1.0, 0.0) } else { (own, kin) };
        let mut centres = vec![];
        let mut maps = vec![];
        let scale = 1.0 / (DIM as f32).sqrt();
        for domain in 0..domains {
            let c = normals::<DIM>(domain, 0, Stream::Domain, seed);
            let m = normals::<{ DIM * OUT }>(domain, 1, Stream::Domain, seed);
            for topic in first[domain as usize]..first[domain as usize + 1] {
                let centre = normals::<DIM>(topic, 0, Stream::Lesson, seed);
                let map = normals::<{ DIM * OUT }>(topic, 1, Stream::Lesson, seed);
                centres.push(std::array::from_fn(|j| kin * c[j] + own * centre[j]));
                let entry = |j: usize, q: usize| (kin * m[j * OUT + q] + own * map[j * OUT + q]) * scale;
                maps.push(std::array::from_fn(|j| std::array::from_fn(|q| entry(j, q))));
            }
        }
        let phase = |d: u32| f64::from(pcg4d(d, 2, Stream::Domain, seed)[0]) / 4_294_967_296.0;
        Self {
            settings: settings.clone(),
            seed,
            mean: normals::<DIM>(0, 3, Stream::Domain, seed),
            centres,
            maps,
            first,
            phases: (0..domains).map(phase).collect(),
        }
    }

    /// Whether this is the world of these settings and this seed, apart from settings that [`Draw`] holds.
    #[must_use]
    pub fn fits(&self, settings: &World, seed: u32) -> bool {
        let shape = |w: &World| (w.topics, w.domains, w.rich.to_bits(), w.kinship.to_bits());
        self.seed == seed && shape(&self.settings) == shape(settings)
    }

    /// Number of domains; as many as topics where every topic is its own domain.
    #[must_use]
    pub fn domains(&self) -> usize {
        self.phases.len()
    }

    /// The largest 32-bit draw that selects each domain; they never fall. `turns` is how far popularity has turned in its cycle.
    fn thresholds(&self, skew: f64, turns: f64, drifts: bool) -> Vec<u32> {
        let weight = |(d, phase): (usize, &f64)| {
            let swell = if drifts { libm::exp(libm::sin(TAU * (phase + turns))) } else { 1.0 };
            libm::pow(d as f64 + 1.0, -skew) * swell
        };
        let weights: Vec<f64> = self.phases.iter().enumerate().map(weight).collect();
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let upto = |w: &f64| {
            sum += w;
            (libm::floor(sum / total * 4_294_967_296.0) - 1.0).clamp(0.0, 4_294_967_295.0) as u32
        };
        let mut out: Vec<u32> = weights.iter().map(upto).collect();
        if let Some(last) = out.last_mut() {
            *last = u32::MAX;
        }
        out
    }
}

/// The first topic of each domain, then the number of topics. The domains get numbers of topics by Zipf's law, rounded down but at least
/// one; the first domain gets the remainder.
fn first_topics(settings: &World, domains: u32) -> Vec<u32> {
    let weights: Vec<f64> = (1..=domains).map(|r| libm::pow(f64::from(r), -settings.rich)).collect();
    let total: f64 = weights.iter().sum();
    let free = f64::from(settings.topics.saturating_sub(domains));
    let mut counts: Vec<u32> = weights.iter().map(|w| (libm::floor(w / total * free) as u32).max(1)).collect();
    let given: u32 = counts.iter().sum();
    counts[0] += settings.topics.max(given) - given;
    let mut sum = 0;
    std::iter::once(0)
        .chain(counts.into_iter().map(|n| {
            sum += n;
            sum
        }))
        .collect()
}

/// What the tokens of one step are drawn from.
#[derive(Clone, Debug)]
pub struct Draw {
    /// The centres and maps of the topics.
    pub teacher: Arc<Teacher>,
    /// Second word of the random counters.
    pub step: u32,
    /// Whether the tokens are for training or held out.
    stream: Stream,
    thresholds: Vec<u32>,
    common: f32,
    centre: f32,
    noise: f32,
    target_noise: f32,
    burst: u32,
}

impl Draw {
    /// The tokens of `step` after popularity has turned by `phase` (Q32, in turns).
    #[must_use]
    pub fn new(teacher: Arc<Teacher>, settings: &World, step: u32, phase: u64) -> Self {
        let turns = (phase & 0xffff_ffff) as f64 / 4_294_967_296.0;
        let thresholds = teacher.thresholds(settings.skew, turns, settings.drift > 0.0);
        let root = |x: f64| libm::sqrt(x.max(0.0)) as f32;
        Self {
            teacher,
            step,
            stream: Stream::Example,
            thresholds,
            common: root(settings.common),
            centre: root(1.0 - settings.common - settings.noise),
            noise: root(settings.noise),
            target_noise: settings.target_noise as f32,
            burst: settings.burst.max(1),
        }
    }

    /// The `index`-th batch of held-out tokens, which no step trains on.
    #[must_use]
    pub fn held_out(&self, index: u32) -> Self {
        Self { step: index, stream: Stream::HeldOut, ..self.clone() }
    }

    /// Domain and topic of a token.
    #[must_use]
    pub fn topic(&self, token: u32) -> (usize, usize) {
        let of_domain = pcg4d((token / self.burst).wrapping_mul(WORDS), self.step, self.stream, self.teacher.seed)[0];
        let of_topic = pcg4d(token.wrapping_mul(WORDS), self.step, self.stream, self.teacher.seed)[1];
        let domain = self.thresholds.partition_point(|&last| last < of_domain);
        let (from, to) = (self.teacher.first[domain], self.teacher.first[domain + 1]);
        (domain, (from + ((u64::from(of_topic) * u64::from(to - from)) >> 32) as u32) as usize)
    }

    /// Topic and embedding of a token.
    #[must_use]
    pub fn token(&self, token: u32) -> (usize, [f32; DIM]) {
        let topic = self.topic(token).1;
        let (mean, centre) = (&self.teacher.mean, &self.teacher.centres[topic]);
        let mut x = [0.0; DIM];
        for (i, pair) in (1..).zip(x.chunks_exact_mut(2)) {
            let at = token.wrapping_mul(WORDS).wrapping_add(i);
            pair.copy_from_slice(&two(at, self.step, self.stream, self.teacher.seed));
        }
        for ((x, m), c) in x.iter_mut().zip(mean).zip(centre) {
            *x = self.common * m + self.centre * c + self.noise * *x;
        }
        (topic, x)
    }

    /// The target of a token with this topic and embedding.
    #[must_use]
    pub fn target(&self, token: u32, topic: usize, x: &[f32; DIM]) -> [f32; OUT] {
        let mut y = [0.0; OUT];
        for (i, pair) in (1 + DIM as u32 / 2..).zip(y.chunks_exact_mut(2)) {
            let at = token.wrapping_mul(WORDS).wrapping_add(i);
            pair.copy_from_slice(&two(at, self.step, self.stream, self.teacher.seed));
        }
        let mut wanted = [0.0; OUT];
        for (x, row) in x.iter().zip(&self.teacher.maps[topic]) {
            for (w, m) in wanted.iter_mut().zip(row) {
                *w += x * m;
            }
        }
        std::array::from_fn(|q| wanted[q] + self.target_noise * y[q])
    }

    /// The first `tokens` tokens with their targets.
    #[must_use]
    pub fn examples(&self, tokens: usize, spread: &impl Spread) -> Examples {
        let mut out = Examples { x: vec![[0.0; DIM]; tokens], y: vec![[0.0; OUT]; tokens] };
        let part = part_of(tokens);
        let parts: Vec<_> = out.x.chunks_mut(part).zip(out.y.chunks_mut(part)).zip((0u32..).step_by(part)).collect();
        spread.each(parts, |((x, y), first)| {
            for ((x, y), token) in x.iter_mut().zip(y).zip(first..) {
                let topic;
                (topic, *x) = self.token(token);
                *y = self.target(token, topic, x);
            }
        });
        out
    }
}

/// Tokens with their targets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examples {
    /// Embeddings, one per token.
    pub x: Vec<[f32; DIM]>,
    /// Targets, one per token.
    pub y: Vec<[f32; OUT]>,
}

#[cfg(test)]
mod tests {
    use super::super::spread::Alone;
    use super::*;

    fn draw(settings: &World, step: u32, phase: u64) -> Draw {
        Draw::new(Arc::new(Teacher::new(settings, 5)), settings, step, phase)
    }

    #[test]
    fn variances_are_what_the_settings_say() {
        let settings = World::default();
        let e = draw(&settings, 0, 0).examples(20_000, &Alone);
        let all: Vec<f64> = e.x.iter().flatten().map(|&x| f64::from(x)).collect();
        let square = all.iter().map(|x| x * x).sum::<f64>() / all.len() as f64;
        assert!((square - 1.0).abs() < 0.15, "a coordinate's mean square is {square}");
        let noise = draw(&World { common: 0.0, noise: 1.0, ..settings }, 0, 0).examples(20_000, &Alone);
        let all: Vec<f64> = noise.x.iter().flatten().map(|&x| f64::from(x)).collect();
        let moment = |p: i32| all.iter().map(|x| x.powi(p)).sum::<f64>() / all.len() as f64;
        assert!(moment(1).abs() < 0.01 && (moment(2) - 1.0).abs() < 0.01 && (moment(4) - 2.85).abs() < 0.05);
    }

    #[test]
    fn domains_are_popular_by_zipf_and_hold_all_topics() {
        let settings = World::default();
        let d = draw(&settings, 3, 0);
        assert_eq!(d.teacher.first[16], 256);
        assert!(d.teacher.first.windows(2).all(|w| w[1] > w[0]));
        let mut counts = [0u32; 16];
        (0..40_000).for_each(|t| counts[d.topic(t).0] += 1);
        let harmonic: f64 = (1..=16).map(|r| 1.0 / f64::from(r)).sum();
        for (r, &n) in counts.iter().enumerate() {
            let share = 1.0 / (r as f64 + 1.0) / harmonic;
            assert!((f64::from(n) / 40_000.0 - share).abs() < 0.01, "domain {r}: {n}");
        }
        let flat = World { domains: 0, topics: 7, ..settings };
        assert_eq!(draw(&flat, 0, 0).teacher.first, [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_burst_shares_its_domain_and_held_out_tokens_are_others() {
        let d = draw(&World { burst: 8, ..World::default() }, 1, 0);
        assert!((0..800).all(|t| d.topic(t).0 == d.topic(t / 8 * 8).0));
        assert!((0..800).any(|t| d.topic(t).1 != d.topic(t / 8 * 8).1));
        assert_ne!(d.token(0).1, d.held_out(1).token(0).1);
    }

    #[test]
    fn popularity_turns_with_the_phase_and_comes_back() {
        let settings = World { drift: 1.0, ..World::default() };
        let at = |phase| draw(&settings, 0, phase).thresholds;
        assert_ne!(at(0), at(1 << 31));
        assert_eq!(at(0), at(1 << 32));
    }
}
