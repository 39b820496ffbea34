//! One step of learning: the gradients of the batch just routed, and the optimiser's update. The balancer updates the biases after it, from
//! the loads of the same batch.

use super::OUT;
use super::auxiliary::{Pull, Routed};
use super::layer::{Batch, Layer, Partial};
use super::optimise;
use super::parameters::Learned;
use super::score::Scorer;
use super::settings::{Auxiliary, Learning};
use super::spread::{Spread, part_of};
use super::world::Examples;
use crate::row::LearningRow;
use crate::select::Selector;
use crate::settings::{DIM, Router};

/// Parameters that are summed in one part.
const SUM_PART: usize = 4096;

/// What one variant trains on at one step.
#[derive(Clone, Copy, Debug)]
pub struct Lesson<'a> {
    /// Tokens and targets.
    pub examples: &'a Examples,
    /// The router.
    pub router: &'a Router,
    /// Selection keys with the biases that routed the batch.
    pub selector: &'a Selector,
    /// Scores, Q20, [tokens, experts].
    pub scores: &'a [i32],
    /// The loads of the batch.
    pub loads: &'a [u32],
    /// The settings of learning.
    pub settings: &'a Learning,
    /// The step that was routed, counted from 0.
    pub step: u64,
}

/// Buffers for gradients, reused from step to step. A clone is empty.
#[derive(Debug, Default)]
pub struct Room(Vec<Partial>);

impl Clone for Room {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// The gradients of a batch.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// The gradient of the task loss; [`train`] then adds those of the other losses.
    pub whole: &'a mut Partial,
    /// What the batch showed; `None` where a value is not finite.
    pub row: Option<LearningRow>,
}

/// Computes the gradients of one batch in `room`. `None` only if there is no part to sum.
pub fn gradients<'a>(
    learned: &Learned,
    lesson: &Lesson<'_>,
    room: &'a mut Room,
    spread: &impl Spread,
) -> Option<Gradients<'a>> {
    let (settings, router) = (lesson.settings, lesson.router);
    let experts = router.experts as usize;
    let top_k = router.top_k as usize;
    let recent: Vec<Vec<u32>> = learned.recent.iter().cloned().collect();
    let routed = Routed { scores: lesson.scores, top_k, loads: lesson.loads, recent: &recent };
    let pull = Pull::new(settings, routed, spread);
    let with_z = settings.z_loss > 0.0;
    let needs_logits = with_z || pull.needs_logits();
    let scorer = needs_logits.then(|| Scorer::new(&learned.parameters, experts, router.gate));
    let gates = (router.gate, settings.gating);
    let batch = Batch {
        layer: Layer::new(&learned.parameters, experts, lesson.selector, top_k, gates),
        scorer: scorer.as_ref(),
        examples: lesson.examples,
        scores: lesson.scores,
        pull: &pull,
        with_z,
    };
    let tokens = lesson.examples.x.len();
    let part = part_of(tokens);
    room.0.resize_with(tokens.div_ceil(part).max(1), Partial::default);
    let parts: Vec<_> = room.0.iter_mut().zip((0..tokens.max(1)).step_by(part)).collect();
    spread.each(parts, |(out, first)| batch.part(first..tokens.min(first + part), out));
    let (whole, rest) = room.0.split_first_mut()?;
    add(&mut whole.gradient, &rest.iter().map(|p| &p.gradient[..]).collect::<Vec<_>>(), spread);
    add(&mut whole.auxiliary, &rest.iter().map(|p| &p.auxiliary[..]).collect::<Vec<_>>(), spread);
    add(&mut whole.z, &rest.iter().map(|p| &p.z[..]).collect::<Vec<_>>(), spread);
    for p in &*rest {
        whole.squares += p.squares;
        whole.signal += p.signal;
        whole.scores += p.scores;
    }
    let row = row(whole, tokens, experts, settings.weight());
    Some(Gradients { whole, row })
}

/// Adds the lists to `sums`, in order.
fn add(sums: &mut [f32], lists: &[&[f32]], spread: &impl Spread) {
    let parts: Vec<_> = sums.chunks_mut(SUM_PART).zip((0..).step_by(SUM_PART)).collect();
    spread.each(parts, |(sums, first)| {
        for list in lists {
            for (s, x) in sums.iter_mut().zip(&list[first..]) {
                *s += x;
            }
        }
    });
}

fn row(whole: &Partial, tokens: usize, experts: usize, alpha: f64) -> Option<LearningRow> {
    let (mut task, mut auxiliary, mut both) = (0.0f64, 0.0f64, 0.0f64);
    for (&t, &a) in whole.gradient[..experts * DIM].iter().zip(&whole.auxiliary) {
        let (t, a) = (f64::from(t), f64::from(a));
        task += t * t;
        auxiliary += a * a;
        both += t * a;
    }
    let (task, auxiliary) = (task.sqrt(), auxiliary.sqrt());
    let ratio = |x: f64, y: f64| if y > 0.0 { x / y } else { 0.0 };
    let row = LearningRow {
        loss: whole.squares / (2 * tokens * OUT) as f64,
        nmse: ratio(whole.squares, whole.signal),
        cosine: ratio(both, task * auxiliary),
        force: ratio(alpha * auxiliary, task),
        mean_score: whole.scores / (tokens * experts) as f64,
    };
    let all = [row.loss, row.nmse, row.cosine, row.force, row.mean_score];
    all.iter().all(|x| x.is_finite()).then_some(row)
}

/// Trains on a batch and returns what it showed. `None` where the layer has diverged; its parameters then stay as they were.
pub fn train(learned: &mut Learned, lesson: &Lesson<'_>, room: &mut Room, spread: &impl Spread) -> Option<LearningRow> {
    let settings = lesson.settings;
    if settings.auxiliary == Auxiliary::GlobalBatch {
        if learned.recent.iter().any(|l| l.len() != lesson.loads.len()) {
            learned.recent.clear();
        }
        learned.recent.push_back(lesson.loads.to_vec());
        while learned.recent.len() > settings.batches as usize {
            learned.recent.pop_front();
        }
    } else {
        learned.recent.clear();
    }
    let Gradients { whole, row } = gradients(learned, lesson, room, spread)?;
    let row = row?;
    for (weight, list) in [(settings.weight() as f32, &whole.auxiliary), (settings.z_loss as f32, &whole.z)] {
        if weight > 0.0 {
            for (g, a) in whole.gradient.iter_mut().zip(list) {
                *g += weight * a;
            }
        }
    }
    let experts = lesson.router.experts as usize;
    optimise::update(learned, &whole.gradient, experts, settings, lesson.step).then_some(row)
}
