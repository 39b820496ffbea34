//! NEON, which every 64-bit Arm CPU has: four tokens in four lanes.
//!
//! Token bytes stay signed. A product of bytes is at most 127·63, and a sum of four fits into 16 bits, so the dot product has to widen only
//! after every four multiplications.
//!
//! Every `unsafe` block calls intrinsics that need CPU support and nothing else, unless its comment says more. A value of [`Neon`] proves
//! the support, because it is created only in the function with `#[target_feature]`, which [`run`] calls after detection.

#![allow(unsafe_code)] // The instructions themselves; see the proof in `Lanes`.

use super::kernel;
use super::lanes::Lanes;
use super::plan::{Plan, Work};
use moebias_model::batch::Counts;
use moebias_model::fixed::{LOGIT_BITS, LOGIT_LIMIT};
use std::arch::aarch64::*;

/// Proof that the CPU has NEON.
#[derive(Clone, Copy, Debug)]
struct Neon(());

/// Does the work, or returns `false` if the CPU does not have the instructions.
pub fn run(plan: &Plan<'_>, work: &Work, counts: &mut Counts) -> bool {
    if !available() {
        return false;
    }
    // SAFETY: the instructions were just detected.
    unsafe { with_neon(plan, work, counts) };
    true
}

/// Whether this CPU has the instructions.
pub fn available() -> bool {
    std::arch::is_aarch64_feature_detected!("neon")
}

#[target_feature(enable = "neon")]
fn with_neon(plan: &Plan<'_>, work: &Work, counts: &mut Counts) {
    kernel::run(Neon(()), plan, work, counts);
}

type V = int32x4_t;

impl Lanes for Neon {
    const N: usize = 4;
    const HALF_TABLES: bool = false;
    const FUSED: bool = true;
    type V = V;
    /// 32 entries of four bytes each, in two halves.
    type Table = [uint8x16x4_t; 2];

    #[inline(always)]
    fn load(self, from: &[i32]) -> V {
        let from = &from[..4];
        // SAFETY: `self` proves CPU support; the slice holds 16 bytes.
        unsafe { vld1q_s32(from.as_ptr()) }
    }
    #[inline(always)]
    fn store(self, v: V, to: &mut [i32]) {
        let to = &mut to[..4];
        // SAFETY: `self` proves CPU support; the slice holds 16 bytes.
        unsafe { vst1q_s32(to.as_mut_ptr(), v) }
    }
    #[inline(always)]
    fn splat(self, x: i32) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vdupq_n_s32(x) }
    }
    #[inline(always)]
    fn add(self, a: V, b: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vaddq_s32(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: V, b: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vsubq_s32(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: V, b: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vmulq_s32(a, b) }
    }
    #[inline(always)]
    fn mul_small(self, a: V, b: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vmulq_s32(a, b) }
    }
    #[inline(always)]
    fn min(self, a: V, b: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vminq_s32(a, b) }
    }
    #[inline(always)]
    fn max(self, a: V, b: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vmaxq_s32(a, b) }
    }
    #[inline(always)]
    fn and(self, a: V, b: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vandq_s32(a, b) }
    }
    #[inline(always)]
    fn or(self, a: V, b: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vorrq_s32(a, b) }
    }
    #[inline(always)]
    fn xor(self, a: V, b: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { veorq_s32(a, b) }
    }
    #[inline(always)]
    fn abs(self, a: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vabsq_s32(a) }
    }
    #[inline(always)]
    fn shl<const S: i32>(self, a: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vshlq_s32(a, vdupq_n_s32(S)) }
    }
    #[inline(always)]
    fn shr<const S: i32>(self, a: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a), vdupq_n_s32(-S))) }
    }
    #[inline(always)]
    fn sar<const S: i32>(self, a: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vshlq_s32(a, vdupq_n_s32(-S)) }
    }
    #[inline(always)]
    fn shr_by(self, a: V, s: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a), vnegq_s32(s))) }
    }
    #[inline(always)]
    fn equal(self, a: V, b: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vreinterpretq_s32_u32(vceqq_s32(a, b)) }
    }
    #[inline(always)]
    fn any(self, a: V) -> bool {
        // SAFETY: `self` proves CPU support.
        unsafe { vmaxvq_u32(vreinterpretq_u32_s32(a)) != 0 }
    }
    #[inline(always)]
    fn select_negative(self, sign: V, a: V, b: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe { vbslq_s32(vcltzq_s32(sign), b, a) }
    }
    #[inline(always)]
    fn mul_high_unsigned(self, a: V, b: V) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe {
            let (a, b) = (vreinterpretq_u32_s32(a), vreinterpretq_u32_s32(b));
            let low = vreinterpretq_u32_u64(vmull_u32(vget_low_u32(a), vget_low_u32(b)));
            let high = vreinterpretq_u32_u64(vmull_high_u32(a, b));
            vreinterpretq_s32_u32(vuzp2q_u32(low, high))
        }
    }
    #[inline(always)]
    fn quantised(self, bits: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support. `vcvtnq` rounds to nearest, halves to even.
        unsafe {
            let limit = LOGIT_LIMIT as f32;
            let x = vmulq_n_f32(vreinterpretq_f32_s32(bits), (1 << LOGIT_BITS) as f32);
            vcvtnq_s32_f32(vmaxq_f32(vminq_f32(x, vdupq_n_f32(limit)), vdupq_n_f32(-limit)))
        }
    }
    #[inline(always)]
    fn table(self, entries: &[i32; 32]) -> Self::Table {
        let part = |at: usize| self.load(&entries[at..]);
        // SAFETY: `self` proves CPU support.
        unsafe {
            let four = |at: usize| {
                let part = |q: usize| vreinterpretq_u8_s32(part(at + 4 * q));
                uint8x16x4_t(part(0), part(1), part(2), part(3))
            };
            [four(0), four(16)]
        }
    }
    #[inline(always)]
    fn lookup(self, table: Self::Table, index: V) -> V {
        // SAFETY: `self` proves CPU support. An index outside the range of a lookup gives 0 in the first and keeps the result of the first
        // in the second.
        unsafe {
            let first = vmulq_s32(index, vdupq_n_s32(0x0404_0404));
            let bytes = vreinterpretq_u8_s32(vaddq_s32(first, vdupq_n_s32(0x0302_0100)));
            let low = vqtbl4q_u8(table[0], bytes);
            vreinterpretq_s32_u8(vqtbx4q_u8(low, table[1], vsubq_u8(bytes, vdupq_n_u8(64))))
        }
    }
    #[inline(always)]
    fn lookup_half(self, table: Self::Table, index: V) -> V {
        self.lookup(table, index)
    }
    #[inline(always)]
    fn token_bytes(self, noise: V, centre: V, factor: V, _small: bool) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe {
            // The high half of the doubled product of (noise << 7) and the factor is noise·factor >> 8.
            let (noise, centre) = (vreinterpretq_s8_s32(noise), vreinterpretq_s8_s32(centre));
            let factor = vreinterpretq_s16_s32(factor);
            let low = vqdmulhq_s16(vshll_n_s8::<7>(vget_low_s8(noise)), factor);
            let high = vqdmulhq_s16(vshll_high_n_s8::<7>(noise), factor);
            let low = vqmovn_s16(vaddw_s8(low, vget_low_s8(centre)));
            let x = vqmovn_high_s16(low, vaddw_high_s8(high, centre));
            vreinterpretq_s32_s8(vmaxq_s8(x, vdupq_n_s8(-127)))
        }
    }
    #[inline(always)]
    fn dot(self, token: &[V; 8], centroid: &[i32; 8], _offset: i32) -> V {
        // SAFETY: `self` proves CPU support.
        unsafe {
            let mut sum = vdupq_n_s32(0);
            for half in 0..2 {
                let (mut low, mut high) = (vdupq_n_s16(0), vdupq_n_s16(0));
                for j in 4 * half..4 * half + 4 {
                    let x = vreinterpretq_s8_s32(token[j]);
                    let c = vreinterpretq_s8_s32(vdupq_n_s32(centroid[j]));
                    low = vmlal_s8(low, vget_low_s8(x), vget_low_s8(c));
                    high = vmlal_high_s8(high, x, c);
                }
                sum = vaddq_s32(sum, vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high)));
            }
            sum
        }
    }
    #[inline(always)]
    fn transpose(self, rows: &[&[i32]], at: usize) -> [V; 8] {
        let mut out = [self.splat(0); 8];
        for half in 0..2 {
            let row = |t: usize| self.load(&rows[t][at + 4 * half..]);
            let (a, b, c, d) = (row(0), row(1), row(2), row(3));
            // SAFETY: `self` proves CPU support.
            unsafe {
                let (ab, cd) = (vtrnq_s32(a, b), vtrnq_s32(c, d));
                out[4 * half] = vcombine_s32(vget_low_s32(ab.0), vget_low_s32(cd.0));
                out[4 * half + 1] = vcombine_s32(vget_low_s32(ab.1), vget_low_s32(cd.1));
                out[4 * half + 2] = vcombine_s32(vget_high_s32(ab.0), vget_high_s32(cd.0));
                out[4 * half + 3] = vcombine_s32(vget_high_s32(ab.1), vget_high_s32(cd.1));
            }
        }
        out
    }
}
