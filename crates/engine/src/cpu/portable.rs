//! Plain Rust: four tokens in an array of four numbers, which the compiler vectorises for the target.

use super::kernel;
use super::lanes::Lanes;
use super::plan::{Plan, Work};
use moebias_model::batch::Counts;

/// Needs no CPU feature.
#[derive(Clone, Copy, Debug)]
struct Portable;

/// Does the work.
pub fn run(plan: &Plan<'_>, work: &Work, counts: &mut Counts) {
    kernel::run(Portable, plan, work, counts);
}

type V = [i32; 4];

#[inline(always)]
fn each(a: V, b: V, f: impl Fn(i32, i32) -> i32) -> V {
    let mut out = a;
    for (x, y) in out.iter_mut().zip(b) {
        *x = f(*x, y);
    }
    out
}

impl Lanes for Portable {
    const N: usize = 4;
    const HALF_TABLES: bool = false;
    const FUSED: bool = false;
    type V = V;
    type Table = [i32; 32];

    #[inline(always)]
    fn splat(self, x: i32) -> V {
        [x; 4]
    }
    #[inline(always)]
    fn load(self, from: &[i32]) -> V {
        let mut out = [0; 4];
        out.copy_from_slice(&from[..4]);
        out
    }
    #[inline(always)]
    fn store(self, v: V, to: &mut [i32]) {
        to[..4].copy_from_slice(&v);
    }
    #[inline(always)]
    fn add(self, a: V, b: V) -> V {
        each(a, b, i32::wrapping_add)
    }
    #[inline(always)]
    fn sub(self, a: V, b: V) -> V {
        each(a, b, i32::wrapping_sub)
    }
    #[inline(always)]
    fn mul(self, a: V, b: V) -> V {
        each(a, b, i32::wrapping_mul)
    }
    #[inline(always)]
    fn mul_small(self, a: V, b: V) -> V {
        each(a, b, |x, y| i32::from(x as i16).wrapping_mul(i32::from(y as i16)))
    }
    #[inline(always)]
    fn mul_high_unsigned(self, a: V, b: V) -> V {
        each(a, b, |x, y| ((u64::from(x as u32) * u64::from(y as u32)) >> 32) as i32)
    }
    #[inline(always)]
    fn min(self, a: V, b: V) -> V {
        each(a, b, Ord::min)
    }
    #[inline(always)]
    fn max(self, a: V, b: V) -> V {
        each(a, b, Ord::max)
    }
    #[inline(always)]
    fn abs(self, a: V) -> V {
        each(a, a, |x, _| x.wrapping_abs())
    }
    #[inline(always)]
    fn and(self, a: V, b: V) -> V {
        each(a, b, |x, y| x & y)
    }
    #[inline(always)]
    fn or(self, a: V, b: V) -> V {
        each(a, b, |x, y| x | y)
    }
    #[inline(always)]
    fn xor(self, a: V, b: V) -> V {
        each(a, b, |x, y| x ^ y)
    }
    #[inline(always)]
    fn shl<const S: i32>(self, a: V) -> V {
        each(a, a, |x, _| x << S)
    }
    #[inline(always)]
    fn shr<const S: i32>(self, a: V) -> V {
        each(a, a, |x, _| (x as u32 >> S) as i32)
    }
    #[inline(always)]
    fn sar<const S: i32>(self, a: V) -> V {
        each(a, a, |x, _| x >> S)
    }
    #[inline(always)]
    fn shr_by(self, a: V, s: V) -> V {
        each(a, s, |x, s| (x as u32).wrapping_shr(s as u32) as i32)
    }
    #[inline(always)]
    fn select_negative(self, sign: V, a: V, b: V) -> V {
        let mask = self.sar::<31>(sign);
        each(self.and(b, mask), each(a, mask, |x, m| x & !m), |x, y| x | y)
    }
    #[inline(always)]
    fn equal(self, a: V, b: V) -> V {
        each(a, b, |x, y| -i32::from(x == y))
    }
    #[inline(always)]
    fn any(self, a: V) -> bool {
        a != [0; 4]
    }
    #[inline(always)]
    fn quantised(self, bits: V) -> V {
        each(bits, bits, |x, _| moebias_model::gate::quantised(f32::from_bits(x as u32)))
    }
    #[inline(always)]
    fn table(self, entries: &[i32; 32]) -> Self::Table {
        *entries
    }
    #[inline(always)]
    fn lookup(self, table: Self::Table, index: V) -> V {
        each(index, index, |i, _| table[(i & 31) as usize])
    }
    #[inline(always)]
    fn lookup_half(self, table: Self::Table, index: V) -> V {
        self.lookup(table, index)
    }
    #[inline(always)]
    fn token_bytes(self, noise: V, centre: V, factor: V, _small: bool) -> V {
        let factor = i32::from(factor[0] as i16);
        each(noise, centre, |noise, centre| {
            let mut out = noise.to_le_bytes();
            for (x, c) in out.iter_mut().zip(centre.to_le_bytes()) {
                let moved = i32::from(c as i8).wrapping_add(factor.wrapping_mul(i32::from(*x as i8)) >> 8);
                *x = moved.clamp(-127, 127) as u8;
            }
            i32::from_le_bytes(out)
        })
    }
    #[inline(always)]
    fn dot(self, token: &[V; 8], centroid: &[i32; 8], _offset: i32) -> V {
        // Bytes are sign-extended by shifts within 32 bits, four tokens at a time, which the SIMD of every target supports.
        let mut sum = [0i32; 4];
        for (x, &c) in token.iter().zip(centroid) {
            for b in 0..4 {
                let c = i32::from(c.to_le_bytes()[b] as i8);
                for (sum, &x) in sum.iter_mut().zip(x) {
                    let x = (x << (24 - 8 * b)) >> 24;
                    *sum = sum.wrapping_add(i32::from(x as i16).wrapping_mul(i32::from(c as i16)));
                }
            }
        }
        sum
    }
    #[inline(always)]
    fn transpose(self, rows: &[&[i32]], at: usize) -> [V; 8] {
        let mut out = [[0; 4]; 8];
        for (t, row) in rows.iter().enumerate().take(4) {
            for (q, &x) in row[at..at + 8].iter().enumerate() {
                out[q][t] = x;
            }
        }
        out
    }
}
