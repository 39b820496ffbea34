//! The exact optimum of the balanced assignment and its prices, with which the router's are compared.
//!
//! It is a min-cost flow whose graph has only the experts as nodes: the arc from k to k′ is the token at k that loses least by going to k′.
//! The best reply to any prices is optimal for its own loads. From there, one cheapest path after another shifts a place from an expert
//! with too many tokens to one with too few, and every assignment on the way is optimal for its loads (successive shortest paths; the
//! values of loads form an M-concave function, so where no exchange improves it, it is the optimum). Prices near balance leave few paths,
//! so a few rounds of Quantile Balancing (Su, kexue.fm 11619) come first.
//!
//! No available crate does this well: general min-cost-flow crates have T·E arcs and take no starting point, Hungarian solvers support only
//! K = 1, and simplex takes minutes on a degenerate transport problem of this size.

use super::lagrangian::{bound, gained};
use super::{Assigned, Problem};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Problems with more than this many possible moves, T·K·(E − K), are not solved: they would take more than about a second and 64 MB.
pub const MOST_MOVES: usize = 1 << 22;
/// Rounds of Quantile Balancing before the search for paths.
const ROUNDS: usize = 12;
/// The cost of an arc that no token can take.
const NO_WAY: i64 = i64::MAX / 4;
/// The reward for one token's place fewer out of balance, and the penalty for one more: greater than the cost of any path.
const OUT_OF_BALANCE: i64 = 1 << 42;

/// The optimum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Optimum {
    /// Σ γ of the best balanced assignment, Q20. Loads are ⌊L⌋ or ⌈L⌉.
    pub value: i64,
    /// Prices to which this assignment is a best reply, Q20, in the middle of all such prices. Their dual value equals `value`.
    pub prices: Vec<i64>,
    /// The loads of this assignment, one per expert.
    pub loads: Vec<u32>,
    /// Paths that were needed after the rounds of Quantile Balancing.
    pub paths: u32,
}

/// Whether a problem of this shape is small enough to solve.
#[must_use]
pub fn solvable(tokens: usize, experts: usize, top_k: usize) -> bool {
    tokens * top_k * (experts - top_k.min(experts)) <= MOST_MOVES && experts <= 256
}

/// The best balanced assignment, starting from any prices; `None` where the problem is too large. The result does not depend on `prices`.
#[must_use]
pub fn solve(problem: &Problem, prices: &[i64]) -> Option<Optimum> {
    let (e, k) = (problem.experts(), problem.top_k());
    if !solvable(problem.tokens(), e, k) {
        return None;
    }
    let near = quantile(problem, prices, ROUNDS);
    let mut graph = Graph::new(problem, &near);
    let mut paths = 0;
    while graph.shift() {
        paths += 1;
    }
    Some(Optimum { value: graph.value, prices: graph.prices(), loads: graph.loads, paths })
}

/// Rounds of Quantile Balancing from these prices: each round computes each token's margin to its (K+1)-th expert, then for each expert the
/// price that would give it its fair share. Returns the best reply to the prices with the smallest dual value among all rounds.
#[must_use]
pub fn quantile(problem: &Problem, prices: &[i64], rounds: usize) -> Assigned {
    let (e, k, t) = (problem.experts(), problem.top_k(), problem.tokens());
    let fair = problem.assignments() as usize / e;
    let mut best = problem.assign(prices);
    if k == e || fair == 0 || fair >= t {
        return best;
    }
    let mut lowest = bound(problem, &best);
    let mut at = best.clone();
    let mut values = vec![0i64; e];
    let mut columns = vec![vec![0i64; t]; e];
    for _ in 0..rounds {
        for i in 0..t {
            let scores = problem.of(i);
            values.iter_mut().zip(scores).zip(&at.prices).for_each(|((v, &s), p)| *v = i64::from(s) + p);
            let (_, &mut margin, _) = values.select_nth_unstable_by(k, |a, b| b.cmp(a));
            columns.iter_mut().zip(scores).for_each(|(c, &s)| c[i] = i64::from(s) - margin);
        }
        let price = |column: &mut Vec<i64>| -*column.select_nth_unstable_by(fair, |a, b| b.cmp(a)).1;
        let next: Vec<i64> = columns.iter_mut().map(price).collect();
        at = problem.assign(&next);
        let value = bound(problem, &at);
        if value < lowest {
            lowest = value;
            best = at.clone();
        } else if value == lowest {
            break;
        }
    }
    best
}

/// The experts, and the cheapest move between every two of them.
struct Graph<'a> {
    problem: &'a Problem,
    /// [tokens, experts]: whether a token is at an expert.
    held: Vec<bool>,
    loads: Vec<u32>,
    value: i64,
    /// [experts, experts]: the possible moves by cost, and some that are no longer possible.
    moves: Vec<BinaryHeap<Reverse<(i32, u32)>>>,
    /// [experts, experts]: the cost of the cheapest possible move.
    cost: Vec<i64>,
    floor: u32,
    ceiling: u32,
}

impl<'a> Graph<'a> {
    fn new(problem: &'a Problem, start: &Assigned) -> Self {
        let (e, t) = (problem.experts(), problem.tokens());
        let mut held = vec![false; t * e];
        let k = problem.top_k();
        start.chosen.iter().enumerate().for_each(|(i, &x)| held[i / k * e + usize::from(x)] = true);
        let mut moves: Vec<Vec<Reverse<(i32, u32)>>> = vec![vec![]; e * e];
        for i in 0..t {
            let scores = problem.of(i);
            for &from in start.of(i, k) {
                let from = usize::from(from);
                for to in (0..e).filter(|to| !held[i * e + to]) {
                    moves[from * e + to].push(Reverse((scores[from] - scores[to], i as u32)));
                }
            }
        }
        let fair = problem.assignments() / e as i64;
        let ceiling = fair + i64::from(problem.assignments() % e as i64 != 0);
        let mut graph = Self {
            problem,
            held,
            loads: start.loads.clone(),
            value: gained(problem, start),
            moves: moves.into_iter().map(BinaryHeap::from).collect(),
            cost: vec![NO_WAY; e * e],
            floor: fair as u32,
            ceiling: ceiling as u32,
        };
        for from in 0..e {
            for to in 0..e {
                graph.look(from, to);
            }
        }
        graph
    }

    /// Discards moves that are no longer possible and stores the cost of the cheapest one.
    fn look(&mut self, from: usize, to: usize) {
        let e = self.problem.experts();
        let heap = &mut self.moves[from * e + to];
        let mut cost = NO_WAY;
        while let Some(&Reverse((c, token))) = heap.peek() {
            let row = token as usize * e;
            if self.held[row + from] && !self.held[row + to] {
                cost = i64::from(c);
                break;
            }
            heap.pop();
        }
        self.cost[from * e + to] = cost;
    }

    /// Shifts one place along the cheapest path, if that brings the loads nearer to the fair share or gains score. False at the optimum.
    fn shift(&mut self) -> bool {
        let e = self.problem.experts();
        // The cost of one place less, and of one more, at an expert with this load.
        let less = |load: u32| match load {
            l if l > self.ceiling => -OUT_OF_BALANCE,
            l if l > self.floor => 0,
            _ => OUT_OF_BALANCE,
        };
        let more = |load: u32| match load {
            l if l < self.floor => -OUT_OF_BALANCE,
            l if l < self.ceiling => 0,
            _ => OUT_OF_BALANCE,
        };
        let mut distance: Vec<i64> = self.loads.iter().map(|&l| less(l)).collect();
        let mut before: Vec<usize> = vec![usize::MAX; e];
        shortest(&self.cost, &mut distance, &mut before);
        let total = |x: usize| distance[x] + more(self.loads[x]);
        let Some(end) = (0..e).min_by_key(|&x| total(x)).filter(|&x| total(x) < 0 && before[x] != usize::MAX) else {
            return false;
        };
        let mut path = vec![end];
        let mut at = end;
        while before[at] != usize::MAX && path.len() <= e {
            at = before[at];
            path.push(at);
        }
        for pair in path.windows(2) {
            self.take(pair[1], pair[0]);
        }
        self.loads[at] -= 1;
        self.loads[end] += 1;
        for &x in &path {
            for y in 0..e {
                self.look(x, y);
                self.look(y, x);
            }
        }
        true
    }

    /// Moves the cheapest token at `from` to `to`.
    fn take(&mut self, from: usize, to: usize) {
        let e = self.problem.experts();
        // Earlier moves on the same path concern other experts, so the cheapest move is still possible.
        let Some(Reverse((cost, token))) = self.moves[from * e + to].pop() else { return };
        let row = token as usize * e;
        self.held[row + from] = false;
        self.held[row + to] = true;
        self.value -= i64::from(cost);
        let scores = self.problem.of(token as usize);
        for x in 0..e {
            if self.held[row + x] {
                if x != to {
                    self.moves[x * e + from].push(Reverse((scores[x] - scores[from], token)));
                }
            } else {
                self.moves[to * e + x].push(Reverse((scores[to] - scores[x], token)));
            }
        }
    }

    /// Prices to which this assignment is a best reply and at which the dual value equals its own: the middle between the highest and the
    /// lowest.
    fn prices(&self) -> Vec<i64> {
        let e = self.problem.experts();
        let mut cost = self.cost.clone();
        if self.floor < self.ceiling {
            // The price of an expert with ⌈L⌉ tokens is no higher than that of one with ⌊L⌋.
            for from in (0..e).filter(|&x| self.loads[x] == self.floor) {
                for to in (0..e).filter(|&x| self.loads[x] == self.ceiling) {
                    cost[from * e + to] = cost[from * e + to].min(0);
                }
            }
        }
        let mut high = vec![0; e];
        shortest(&cost, &mut high, &mut vec![usize::MAX; e]);
        let back: Vec<i64> = (0..e * e).map(|i| cost[i % e * e + i / e]).collect();
        let mut low = vec![0; e];
        shortest(&back, &mut low, &mut vec![usize::MAX; e]);
        let centre = |v: &[i64]| v.iter().sum::<i64>() / e as i64;
        let (a, b) = (centre(&high), -centre(&low));
        high.iter().zip(&low).map(|(h, l)| ((h - a) + (-l - b)).div_euclid(2)).collect()
    }
}

/// Bellman–Ford: shortens every distance as far as the arcs allow. There are no negative cycles.
fn shortest(cost: &[i64], distance: &mut [i64], before: &mut [usize]) {
    let e = distance.len();
    for _ in 0..=e {
        let mut changed = false;
        for from in 0..e {
            let d = distance[from];
            for (to, &c) in cost[from * e..(from + 1) * e].iter().enumerate() {
                if c < NO_WAY && d + c < distance[to] {
                    distance[to] = d + c;
                    before[to] = from;
                    changed = true;
                }
            }
        }
        if !changed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::problem;
    use super::*;

    /// The optimum, found by trying every assignment with these loads, token by token.
    fn by_trying(problem: &Problem) -> i64 {
        let (e, k) = (problem.experts(), problem.top_k());
        let fair = problem.assignments() / e as i64;
        let (ceiling, many) =
            (fair + i64::from(problem.assignments() % e as i64 != 0), problem.assignments() % e as i64);
        let sets: Vec<u32> = (0..1u32 << e).filter(|s| s.count_ones() as usize == k).collect();
        let mut best = std::collections::HashMap::from([(vec![0i64; e], 0i64)]);
        for t in 0..problem.tokens() {
            let mut next = std::collections::HashMap::new();
            for (loads, value) in &best {
                for set in &sets {
                    let (mut loads, mut value) = (loads.clone(), *value);
                    for x in (0..e).filter(|x| set >> x & 1 == 1) {
                        loads[x] += 1;
                        value += i64::from(problem.of(t)[x]);
                    }
                    if loads.iter().all(|&l| l <= ceiling) {
                        let entry = next.entry(loads).or_insert(value);
                        *entry = value.max(*entry);
                    }
                }
            }
            best = next;
        }
        let fits = |loads: &Vec<i64>| {
            loads.iter().all(|&l| l >= fair)
                && (many == 0 || loads.iter().filter(|&&l| l == ceiling).count() as i64 == many)
        };
        best.iter().filter(|(loads, _)| fits(loads)).map(|(_, v)| *v).max().unwrap()
    }

    #[test]
    fn as_good_as_trying_everything() {
        for seed in 0..60 {
            let (tokens, experts) = (3 + seed as usize % 5, 2 + seed as usize % 4);
            let k = 1 + seed as usize % (experts - 1).max(1);
            let p = problem(tokens, experts, k, seed);
            let best = solve(&p, &vec![0; experts]).unwrap();
            assert_eq!(best.value, by_trying(&p), "{tokens} tokens, {experts} experts, K {k}, seed {seed}");
        }
    }

    #[test]
    fn its_prices_prove_it_and_the_start_does_not_matter() {
        for (tokens, experts, k, seed) in
            [(96, 8, 2, 1), (50, 7, 3, 2), (64, 16, 1, 3), (33, 5, 4, 4), (10, 3, 3, 5), (2, 7, 1, 6)]
        {
            let p = problem(tokens, experts, k, seed);
            let best = solve(&p, &vec![0; experts]).unwrap();
            assert_eq!(
                bound(&p, &p.assign(&best.prices)),
                best.value,
                "{tokens}×{experts}, K {k}: no gap at its own prices"
            );
            assert!(best.loads.iter().all(|&l| p.excess(l).abs() < experts as i64), "{:?}", best.loads);
            let other: Vec<i64> = (0..experts as i64).map(|x| x * 30_011 % 200_000).collect();
            assert_eq!(solve(&p, &other).unwrap().value, best.value);
            assert!(bound(&p, &p.assign(&other)) >= best.value);
        }
    }

    #[test]
    fn too_large_a_problem_is_left_alone() {
        assert!(solvable(4096, 64, 6) && !solvable(4096, 256, 8) && !solvable(16_384, 64, 6));
    }
}
