//! BASE layers (arXiv 2103.16716): of all assignments that give every expert ⌊T/E⌋ or ⌈T/E⌉ tokens, the one with the largest sum of logits.
//! The paper finds it with an auction; this finds the same optimum by successive shortest paths, in integers.
//!
//! Every token starts at its best expert. While an expert has too many tokens, the cheapest chain of moves takes one token from an overfull
//! expert to one with room. The graph has only E + 1 nodes: the experts, and a sink that lets any expert hold either ⌊T/E⌋ or ⌈T/E⌉ tokens.
//! Node potentials keep all reduced costs at or above 0, which proves the result optimal.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Bits of the token index, below the loss, in a heap entry.
const TOKEN_BITS: u32 = 21;
/// The distance of what cannot be reached.
const FAR: i64 = i64::MAX / 4;

/// Possible moves from one expert to another, smallest loss first: each entry holds the loss and the token.
type Moves = BinaryHeap<Reverse<i64>>;

struct Solver<'a> {
    /// Logits, [T, E].
    logits: &'a [i32],
    experts: usize,
    /// The expert of each token.
    of_token: Vec<u16>,
    /// The possible moves between every two experts, [E, E].
    moves: Vec<Moves>,
    /// The smallest loss of a move between two experts, [E, E]; [`FAR`] where no token can move.
    least: Vec<i64>,
    /// Whether an expert is one of those that hold ⌈T/E⌉ tokens.
    extra: Vec<bool>,
    potential: Vec<i64>,
    /// Surplus tokens (negative: missing tokens) at each expert, then at the sink.
    excess: Vec<i64>,
}

impl<'a> Solver<'a> {
    fn new(logits: &'a [i32], experts: usize) -> Self {
        let tokens = logits.len() / experts;
        let floor = (tokens / experts) as i64;
        let best = |row: &[i32]| {
            let mut best = 0;
            row.iter().enumerate().for_each(|(e, &x)| best = if x > row[best] { e } else { best });
            best as u16
        };
        let of_token: Vec<u16> = logits.chunks_exact(experts).map(best).collect();
        let mut loads = vec![0i64; experts];
        of_token.iter().for_each(|&e| loads[usize::from(e)] += 1);
        let uneven = !tokens.is_multiple_of(experts);
        let extra: Vec<bool> = loads.iter().map(|&l| uneven && l > floor).collect();
        let mut excess: Vec<i64> = loads.iter().zip(&extra).map(|(l, &x)| l - floor - i64::from(x)).collect();
        excess.push(-excess.iter().sum::<i64>());
        let mut lists: Vec<Vec<Reverse<i64>>> = vec![vec![]; experts * experts];
        for (t, (row, &from)) in logits.chunks_exact(experts).zip(&of_token).enumerate() {
            let from = usize::from(from);
            for (to, &x) in row.iter().enumerate().filter(|(to, _)| *to != from) {
                lists[from * experts + to].push(entry(row[from], x, t));
            }
        }
        let mut solver = Self {
            logits,
            experts,
            of_token,
            moves: lists.into_iter().map(Moves::from).collect(),
            least: vec![FAR; experts * experts],
            extra,
            potential: vec![0; experts + 1],
            excess,
        };
        (0..experts * experts).for_each(|at| solver.refresh(at));
        solver
    }

    /// Finds the smallest move between two experts again, and discards tokens that have left the first.
    fn refresh(&mut self, at: usize) {
        let from = (at / self.experts) as u16;
        while let Some(&Reverse(top)) = self.moves[at].peek() {
            if self.of_token[token_of(top)] == from {
                self.least[at] = top >> TOKEN_BITS;
                return;
            }
            self.moves[at].pop();
        }
        self.least[at] = FAR;
    }

    /// The loss of one edge, in logit units; the sink is node E.
    fn loss(&self, from: usize, to: usize) -> i64 {
        let (e, uneven) = (self.experts, !(self.logits.len() / self.experts).is_multiple_of(self.experts));
        match (from == e, to == e) {
            (false, false) => self.least[from * e + to],
            (false, true) if uneven && !self.extra[from] => 0,
            (true, false) if self.extra[to] => 0,
            _ => FAR,
        }
    }

    /// Moves one token along the cheapest path from a node with a surplus to one with a shortage. False if there is no path.
    fn augment(&mut self, source: usize) -> bool {
        let nodes = self.experts + 1;
        let (mut distance, mut before, mut done) = (vec![FAR; nodes], vec![usize::MAX; nodes], vec![false; nodes]);
        distance[source] = 0;
        let target = loop {
            let next = (0..nodes).filter(|&v| !done[v] && distance[v] < FAR).min_by_key(|&v| (distance[v], v));
            let Some(v) = next else { return false };
            done[v] = true;
            if self.excess[v] < 0 {
                break v;
            }
            for w in (0..nodes).filter(|&w| w != v) {
                let loss = self.loss(v, w);
                if loss < FAR && !done[w] {
                    let through = distance[v] + loss + self.potential[v] - self.potential[w];
                    if through < distance[w] {
                        (distance[w], before[w]) = (through, v);
                    }
                }
            }
        };
        let reached = distance[target];
        self.potential.iter_mut().zip(&distance).for_each(|(p, &d)| *p += d.min(reached));
        let mut to = target;
        while to != source {
            let from = before[to];
            self.pass(from, to);
            to = from;
        }
        self.excess[source] -= 1;
        self.excess[target] += 1;
        true
    }

    fn pass(&mut self, from: usize, to: usize) {
        let e = self.experts;
        if to == e {
            self.extra[from] = true;
            return;
        }
        if from == e {
            self.extra[to] = false;
            return;
        }
        let Some(&Reverse(top)) = self.moves[from * e + to].peek() else { return };
        let token = token_of(top);
        self.of_token[token] = to as u16;
        let row = &self.logits[token * e..(token + 1) * e];
        for other in 0..e {
            if other != from && self.least[from * e + other] < FAR {
                self.refresh(from * e + other);
            }
            if other != to {
                let at = to * e + other;
                self.moves[at].push(entry(row[to], row[other], token));
                self.refresh(at);
            }
        }
    }
}

fn entry(here: i32, there: i32, token: usize) -> Reverse<i64> {
    Reverse((i64::from(here) - i64::from(there)) << TOKEN_BITS | token as i64)
}

fn token_of(entry: i64) -> usize {
    (entry & ((1 << TOKEN_BITS) - 1)) as usize
}

/// The expert of each token. `logits` are [T, E], with T below 2²¹.
#[must_use]
pub fn assignment(logits: &[i32], experts: usize) -> Vec<u16> {
    if experts == 0 || logits.is_empty() {
        return vec![];
    }
    let mut solver = Solver::new(logits, experts);
    while let Some(source) = solver.excess.iter().position(|&x| x > 0) {
        if !solver.augment(source) {
            break;
        }
    }
    solver.of_token
}

#[cfg(test)]
mod tests {
    use super::super::random::{Stream, pcg4d};
    use super::*;

    fn total(logits: &[i32], experts: usize, of_token: &[u16]) -> i64 {
        of_token.iter().enumerate().map(|(t, &e)| i64::from(logits[t * experts + usize::from(e)])).sum()
    }

    fn loads(experts: usize, of_token: &[u16]) -> Vec<usize> {
        (0..experts).map(|e| of_token.iter().filter(|&&x| usize::from(x) == e).count()).collect()
    }

    /// The best total over every balanced assignment, by trying all of them.
    fn brute(logits: &[i32], experts: usize, t: usize, loads: &mut [usize]) -> Option<i64> {
        let tokens = logits.len() / experts;
        let (floor, ceil) = (tokens / experts, tokens.div_ceil(experts));
        if t == tokens {
            return loads.iter().all(|&l| l >= floor).then_some(0);
        }
        let mut best = None;
        for e in 0..experts {
            if loads[e] < ceil {
                loads[e] += 1;
                let rest = brute(logits, experts, t + 1, loads);
                best = best.max(rest.map(|r| r + i64::from(logits[t * experts + e])));
                loads[e] -= 1;
            }
        }
        best
    }

    #[test]
    fn as_good_as_trying_all_on_tiny_problems() {
        for i in 0..1500 {
            let dice = |j: u32| pcg4d(i, j, Stream::Topic, 7)[0];
            let experts = 1 + (dice(0) % 4) as usize;
            let tokens = 1 + (dice(1) % 7) as usize;
            // Few distinct values, so that there are many ties.
            let spread = [3, 50, 100_000][(dice(2) % 3) as usize];
            let logits: Vec<i32> = (0..tokens * experts).map(|j| (dice(3 + j as u32) % spread) as i32 - 1).collect();
            let made = assignment(&logits, experts);
            let best = brute(&logits, experts, 0, &mut vec![0; experts]).unwrap();
            assert_eq!(total(&logits, experts, &made), best, "{tokens} tokens, {experts} experts: {logits:?}");
            assert!(loads(experts, &made).iter().all(|&l| l == tokens / experts || l == tokens.div_ceil(experts)));
        }
    }

    #[test]
    fn perfectly_balanced_where_everyone_wants_the_same() {
        for (tokens, experts) in [(512usize, 16usize), (500, 16), (37, 64), (300, 7)] {
            let popular =
                |j: u32| (pcg4d(j, 1, Stream::Topic, 7)[0] % 5000) as i32 - 4000 * (j as i32 % experts as i32);
            let logits: Vec<i32> = (0..(tokens * experts) as u32).map(popular).collect();
            let made = loads(experts, &assignment(&logits, experts));
            assert!(made.iter().all(|&l| l == tokens / experts || l == tokens.div_ceil(experts)), "{made:?}");
        }
    }
}
