//! The operations that the kernel needs from a CPU: a register of i32 lanes, one lane per token, and some thirty operations on it.
//!
//! A value of a type that implements [`Lanes`] proves that the CPU has the instructions: it is created only inside a function compiled with
//! `#[target_feature]`, which is unsafe to call and is called only after feature detection. The operations are therefore safe to call, and
//! the kernel ([`super::kernel`]) is safe code. Everything is `inline(always)`, because it must be inlined into that one function.

/// A register of `N` lanes of i32. All arithmetic wraps.
pub trait Lanes: Copy {
    /// Number of lanes, which is the number of tokens routed together; divides 64.
    const N: usize;
    /// Whether a lookup among the first 16 entries of a table is much cheaper than among all 32.
    const HALF_TABLES: bool;
    /// Whether there are enough registers to compute scores from tokens without an intermediate buffer.
    const FUSED: bool;
    /// A register of `N` lanes.
    type V: Copy;
    /// A table of 32 numbers, held in registers.
    type Table: Copy;

    /// Prefetches the cache line of `numbers[at]`, if that exists, because it will be read soon.
    #[inline(always)]
    fn prefetch(self, _numbers: &[i32], _at: usize) {}
    /// All lanes set to `x`.
    fn splat(self, x: i32) -> Self::V;
    /// The first `N` numbers of a slice, which must have at least that many.
    fn load(self, from: &[i32]) -> Self::V;
    /// Writes the lanes to the first `N` places of a slice, which must have at least that many.
    fn store(self, v: Self::V, to: &mut [i32]);
    /// a + b
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// a − b
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// Low 32 bits of a·b.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// a·b, where both fit into an i16 and b is not negative.
    fn mul_small(self, a: Self::V, b: Self::V) -> Self::V;
    /// High 32 bits of a·b, both unsigned.
    fn mul_high_unsigned(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller of each pair of lanes, signed.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// The larger of each pair of lanes, signed.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// |a|
    fn abs(self, a: Self::V) -> Self::V;
    /// a and b
    fn and(self, a: Self::V, b: Self::V) -> Self::V;
    /// a or b
    fn or(self, a: Self::V, b: Self::V) -> Self::V;
    /// a xor b
    fn xor(self, a: Self::V, b: Self::V) -> Self::V;
    /// a << S
    fn shl<const S: i32>(self, a: Self::V) -> Self::V;
    /// a >> S, shifting in zeros.
    fn shr<const S: i32>(self, a: Self::V) -> Self::V;
    /// a >> S, shifting in the sign.
    fn sar<const S: i32>(self, a: Self::V) -> Self::V;
    /// a >> s lane by lane, shifting in zeros; s is in \[0, 31\].
    fn shr_by(self, a: Self::V, s: Self::V) -> Self::V;
    /// `b` in lanes where `sign` is negative, `a` in the others.
    fn select_negative(self, sign: Self::V, a: Self::V, b: Self::V) -> Self::V;
    /// −1 in lanes where a = b, 0 in the others.
    fn equal(self, a: Self::V, b: Self::V) -> Self::V;
    /// Whether any lane differs from zero.
    fn any(self, a: Self::V) -> bool;
    /// As [`moebias_model::gate::quantised`], from the bits of finite f32 numbers.
    fn quantised(self, bits: Self::V) -> Self::V;
    /// A table for [`Self::lookup`].
    fn table(self, entries: &[i32; 32]) -> Self::Table;
    /// The entries at the indices in the lanes, each in \[0, 32).
    fn lookup(self, table: Self::Table, index: Self::V) -> Self::V;
    /// The entries at the indices in the lanes, each in \[0, 16).
    fn lookup_half(self, table: Self::Table, index: Self::V) -> Self::V;
    /// Four bytes of each token, `clamp(centre + (factor·noise >> 8), −127, 127)`, in the form that [`Self::dot`] takes. `factor` holds the
    /// factor in both halves of each lane; `small` says that it is less than 256, so that the product >> 8 fits into a byte.
    fn token_bytes(self, noise: Self::V, centre: Self::V, factor: Self::V, small: bool) -> Self::V;
    /// The exact dot products of the tokens' 32 bytes with those of one centroid; `offset` is −128 times the sum of the centroid's bytes.
    fn dot(self, token: &[Self::V; 8], centroid: &[i32; 8], offset: i32) -> Self::V;
    /// Eight consecutive numbers from each of `N` rows, as eight registers: register q holds number `at + q` of every row. Every row must
    /// have at least `at + 8` numbers.
    fn transpose(self, rows: &[&[i32]], at: usize) -> [Self::V; 8];
}
