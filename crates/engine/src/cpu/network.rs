//! Sorting networks across registers. One lane is one token, so a comparator is a maximum and a minimum, without a branch.

use super::lanes::Lanes;

/// Applies comparators: of the two places, the first gets the larger key.
macro_rules! compare {
    ($l:ident, $a:ident; $($i:literal $j:literal),* $(,)?) => {$(
        let (x, y) = ($a[$i], $a[$j]);
        $a[$i] = $l.max(x, y);
        $a[$j] = $l.min(x, y);
    )*};
}

/// Sorts eight keys, largest first, with 19 comparators, the smallest possible number.
#[inline(always)]
pub fn sort8<L: Lanes>(l: L, a: &mut [L::V; 8]) {
    compare!(l, a;
        0 2, 1 3, 4 6, 5 7, 0 4, 1 5, 2 6, 3 7, 0 1, 2 3, 4 5, 6 7,
        2 4, 3 5, 1 4, 3 6, 1 2, 3 4, 5 6,
    );
}

/// The 8, 16 or 32 largest keys so far, largest first.
pub trait Top<L: Lanes>: Sized {
    /// Starts with eight sorted keys; the remaining places get the smallest i32.
    fn first(l: L, sorted: [L::V; 8]) -> Self;
    /// Merges eight sorted keys. Comparing the smallest old keys with the largest new ones, in opposite order, leaves the largest of all as
    /// a bitonic sequence, which half-cleaners then sort.
    fn merge(&mut self, l: L, sorted: &[L::V; 8]);
}

impl<L: Lanes> Top<L> for [L::V; 8] {
    #[inline(always)]
    fn first(_: L, sorted: [L::V; 8]) -> Self {
        sorted
    }
    #[inline(always)]
    fn merge(&mut self, l: L, new: &[L::V; 8]) {
        for j in 0..8 {
            self[j] = l.max(self[j], new[7 - j]);
        }
        compare!(l, self;
        0 4, 1 5, 2 6, 3 7,
        0 2, 1 3, 4 6, 5 7,
        0 1, 2 3, 4 5, 6 7,
        );
    }
}

impl<L: Lanes> Top<L> for [L::V; 16] {
    #[inline(always)]
    fn first(l: L, sorted: [L::V; 8]) -> Self {
        let mut all = [l.splat(i32::MIN); 16];
        all[..8].copy_from_slice(&sorted);
        all
    }
    #[inline(always)]
    fn merge(&mut self, l: L, new: &[L::V; 8]) {
        for j in 0..8 {
            self[8 + j] = l.max(self[8 + j], new[7 - j]);
        }
        compare!(l, self;
        0 8, 1 9, 2 10, 3 11, 4 12, 5 13, 6 14, 7 15,
        0 4, 1 5, 2 6, 3 7, 8 12, 9 13, 10 14, 11 15,
        0 2, 1 3, 4 6, 5 7, 8 10, 9 11, 12 14, 13 15,
        0 1, 2 3, 4 5, 6 7, 8 9, 10 11, 12 13, 14 15,
        );
    }
}

impl<L: Lanes> Top<L> for [L::V; 32] {
    #[inline(always)]
    fn first(l: L, sorted: [L::V; 8]) -> Self {
        let mut all = [l.splat(i32::MIN); 32];
        all[..8].copy_from_slice(&sorted);
        all
    }
    #[inline(always)]
    fn merge(&mut self, l: L, new: &[L::V; 8]) {
        for j in 0..8 {
            self[24 + j] = l.max(self[24 + j], new[7 - j]);
        }
        compare!(l, self;
        0 16, 1 17, 2 18, 3 19, 4 20, 5 21, 6 22, 7 23, 8 24, 9 25, 10 26, 11 27, 12 28, 13 29, 14 30, 15 31,
        0 8, 1 9, 2 10, 3 11, 4 12, 5 13, 6 14, 7 15, 16 24, 17 25, 18 26, 19 27, 20 28, 21 29, 22 30, 23 31,
        0 4, 1 5, 2 6, 3 7, 8 12, 9 13, 10 14, 11 15, 16 20, 17 21, 18 22, 19 23, 24 28, 25 29, 26 30, 27 31,
        0 2, 1 3, 4 6, 5 7, 8 10, 9 11, 12 14, 13 15, 16 18, 17 19, 20 22, 21 23, 24 26, 25 27, 28 30, 29 31,
        0 1, 2 3, 4 5, 6 7, 8 9, 10 11, 12 13, 14 15, 16 17, 18 19, 20 21, 22 23, 24 25, 26 27, 28 29, 30 31,
        );
    }
}
