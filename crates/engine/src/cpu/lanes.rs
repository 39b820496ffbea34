//! What a kernel needs of a CPU: a register of i32 lanes, one lane per token, and some twenty operations on it.
//!
//! A value that implements [`Lanes`] is the proof that the CPU has the instructions: only an `unsafe` constructor makes one, after
//! feature detection. So the operations are safe to call, and the kernel itself ([`super::kernel`]) is safe code. Everything is
//! `inline(always)`: it must melt into the one function that is compiled with the instructions switched on.

/// A register of `N` lanes of i32. All arithmetic wraps.
pub trait Lanes: Copy {
    /// Lanes, that is, tokens routed together; divides 64.
    const N: usize;
    /// Looking up among the first 16 entries of a table is much cheaper than among all 32.
    const HALF_TABLES: bool;
    /// There are enough registers to go from tokens to scores without a buffer between.
    const FUSED: bool;
    /// The register.
    type V: Copy;
    /// A table of 32 numbers, held in registers.
    type Table: Copy;

    /// Has the cache fetch where number `at` stands, if there is one: it will be read soon.
    #[inline(always)]
    fn prefetch(self, _numbers: &[i32], _at: usize) {}
    /// All lanes `x`.
    fn splat(self, x: i32) -> Self::V;
    /// The first `N` numbers of a slice, which must have as many.
    fn load(self, from: &[i32]) -> Self::V;
    /// Writes the lanes to the first `N` places of a slice, which must have as many.
    fn store(self, v: Self::V, to: &mut [i32]);
    /// a + b
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// a − b
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// Low 32 bits of a·b.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// a·b where both are within i16 and b is not negative.
    fn mul_small(self, a: Self::V, b: Self::V) -> Self::V;
    /// High 32 bits of a·b, both unsigned.
    fn mul_high_unsigned(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller, signed.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// The larger, signed.
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
    /// a >> S, zeros come in.
    fn shr<const S: i32>(self, a: Self::V) -> Self::V;
    /// a >> S, the sign comes in.
    fn sar<const S: i32>(self, a: Self::V) -> Self::V;
    /// a >> s, lane by lane, zeros come in; s is in [0, 31].
    fn shr_by(self, a: Self::V, s: Self::V) -> Self::V;
    /// `b` where `sign` is negative, else `a`.
    fn select_negative(self, sign: Self::V, a: Self::V, b: Self::V) -> Self::V;
    /// −1 where equal, else 0.
    fn equal(self, a: Self::V, b: Self::V) -> Self::V;
    /// Whether any lane differs from zero.
    fn any(self, a: Self::V) -> bool;
    /// As [`moebias_model::gate::quantised`], from the bits of finite f32 numbers.
    fn quantised(self, bits: Self::V) -> Self::V;
    /// A table for [`Self::lookup`].
    fn table(self, entries: &[i32; 32]) -> Self::Table;
    /// The entries at lanes in [0, 32).
    fn lookup(self, table: Self::Table, index: Self::V) -> Self::V;
    /// The entries at lanes in [0, 16).
    fn lookup_half(self, table: Self::Table, index: Self::V) -> Self::V;
    /// Four bytes of each token: `clamp(centre + (factor·noise >> 8), −127, 127)`, in whatever form [`Self::dot`] wants them.
    /// `factor` holds the factor in both halves of each lane; where it is `small`, less than 256, the product >> 8 is a byte again.
    fn token_bytes(self, noise: Self::V, centre: Self::V, factor: Self::V, small: bool) -> Self::V;
    /// The dot products of the tokens' 32 bytes with one centroid's, exact; `offset` is −128 times the sum of the centroid.
    fn dot(self, token: &[Self::V; 8], centroid: &[i32; 8], offset: i32) -> Self::V;
    /// Eight consecutive numbers from each of `N` rows, as eight registers: register q holds number `at + q` of every row.
    /// Every row must reach that far.
    fn transpose(self, rows: &[&[i32]], at: usize) -> [Self::V; 8];
}
