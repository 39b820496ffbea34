//! AVX-512, with and without VNNI: sixteen tokens in sixteen lanes.
//!
//! Thirty-two registers hold a token and the gate's tables at once, so logits go into the gate without a buffer.
//!
//! Every `unsafe` block calls intrinsics that need CPU support and nothing else, unless its comment says more. A value of [`Avx512`] proves
//! the support, because it is created only in the two functions with `#[target_feature]`, which [`run`] calls after detection.

#![allow(unsafe_code)] // The instructions themselves; see the proof in `Lanes`.

use super::kernel;
use super::lanes::Lanes;
use super::plan::{Plan, Work};
use moebias_model::batch::Counts;
use moebias_model::fixed::{LOGIT_BITS, LOGIT_LIMIT};
use std::arch::x86_64::*;

/// Proof that the CPU has AVX-512 F and BW, and VNNI if `VNNI`.
#[derive(Clone, Copy, Debug)]
struct Avx512<const VNNI: bool>(());

/// Does the work, or returns `false` if the CPU does not have the instructions.
pub fn run(vnni: bool, plan: &Plan<'_>, work: &Work, counts: &mut Counts) -> bool {
    if !available(vnni) {
        return false;
    }
    // SAFETY: the instructions were just detected.
    unsafe { if vnni { with_vnni(plan, work, counts) } else { without(plan, work, counts) } }
    true
}

/// Whether this CPU has the instructions.
pub fn available(vnni: bool) -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && (!vnni || is_x86_feature_detected!("avx512vnni"))
}

#[target_feature(enable = "avx512f,avx512bw")]
fn without(plan: &Plan<'_>, work: &Work, counts: &mut Counts) {
    kernel::run(Avx512::<false>(()), plan, work, counts);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn with_vnni(plan: &Plan<'_>, work: &Work, counts: &mut Counts) {
    kernel::run(Avx512::<true>(()), plan, work, counts);
}

impl<const VNNI: bool> Lanes for Avx512<VNNI> {
    const N: usize = 16;
    const HALF_TABLES: bool = false;
    const FUSED: bool = true;
    type V = __m512i;
    type Table = [__m512i; 2];

    #[inline(always)]
    fn prefetch(self, numbers: &[i32], at: usize) {
        super::avx2::prefetch(numbers, at);
    }
    #[inline(always)]
    fn load(self, from: &[i32]) -> Self::V {
        let from = &from[..16];
        // SAFETY: `self` proves CPU support; the slice holds 64 bytes.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }
    #[inline(always)]
    fn store(self, v: Self::V, to: &mut [i32]) {
        let to = &mut to[..16];
        // SAFETY: `self` proves CPU support; the slice holds 64 bytes.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), v) }
    }
    #[inline(always)]
    fn splat(self, x: i32) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_set1_epi32(x) }
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_add_epi32(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_sub_epi32(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_mullo_epi32(a, b) }
    }
    #[inline(always)]
    fn mul_small(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_madd_epi16(a, b) }
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_min_epi32(a, b) }
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_max_epi32(a, b) }
    }
    #[inline(always)]
    fn and(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_and_epi32(a, b) }
    }
    #[inline(always)]
    fn or(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_or_epi32(a, b) }
    }
    #[inline(always)]
    fn xor(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_xor_si512(a, b) }
    }
    #[inline(always)]
    fn abs(self, a: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_abs_epi32(a) }
    }
    #[inline(always)]
    fn shl<const S: i32>(self, a: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_sllv_epi32(a, _mm512_set1_epi32(S)) }
    }
    #[inline(always)]
    fn shr<const S: i32>(self, a: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_srlv_epi32(a, _mm512_set1_epi32(S)) }
    }
    #[inline(always)]
    fn sar<const S: i32>(self, a: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_srav_epi32(a, _mm512_set1_epi32(S)) }
    }
    #[inline(always)]
    fn shr_by(self, a: Self::V, s: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_srlv_epi32(a, s) }
    }
    #[inline(always)]
    fn equal(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_maskz_set1_epi32(_mm512_cmpeq_epi32_mask(a, b), -1) }
    }
    #[inline(always)]
    fn mul_high_unsigned(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe {
            let even = _mm512_mul_epu32(a, b);
            let odd = _mm512_mul_epu32(_mm512_srli_epi64::<32>(a), _mm512_srli_epi64::<32>(b));
            _mm512_mask_blend_epi32(0b1010_1010_1010_1010, _mm512_srli_epi64::<32>(even), odd)
        }
    }
    #[inline(always)]
    fn select_negative(self, sign: Self::V, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_mask_blend_epi32(_mm512_cmplt_epi32_mask(sign, _mm512_setzero_si512()), a, b) }
    }
    #[inline(always)]
    fn any(self, a: Self::V) -> bool {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm512_test_epi32_mask(a, a) != 0 }
    }
    #[inline(always)]
    fn quantised(self, bits: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support. The default rounding mode is to nearest, halves to even, and Rust code never changes it.
        unsafe {
            let limit = LOGIT_LIMIT as f32;
            let x = _mm512_mul_ps(_mm512_castsi512_ps(bits), _mm512_set1_ps((1 << LOGIT_BITS) as f32));
            _mm512_cvtps_epi32(_mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(limit)), _mm512_set1_ps(-limit)))
        }
    }
    #[inline(always)]
    fn table(self, entries: &[i32; 32]) -> Self::Table {
        [self.load(entries), self.load(&entries[16..])]
    }
    #[inline(always)]
    fn lookup(self, table: Self::Table, index: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support. The permutation uses five bits of each index.
        unsafe { _mm512_permutex2var_epi32(table[0], index, table[1]) }
    }
    #[inline(always)]
    fn lookup_half(self, table: Self::Table, index: Self::V) -> Self::V {
        self.lookup(table, index)
    }
    #[inline(always)]
    fn token_bytes(self, noise: Self::V, centre: Self::V, factor: Self::V, small: bool) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe {
            // Each byte is put into the high half of 16 bits; the high half of its product with the factor is then byte·factor >> 8.
            let zero = _mm512_setzero_si512();
            let low = _mm512_mulhi_epi16(_mm512_unpacklo_epi8(zero, noise), factor);
            let high = _mm512_mulhi_epi16(_mm512_unpackhi_epi8(zero, noise), factor);
            let x = if small {
                _mm512_adds_epi8(_mm512_packs_epi16(low, high), centre)
            } else {
                let low = _mm512_add_epi16(low, _mm512_srai_epi16::<8>(_mm512_unpacklo_epi8(zero, centre)));
                let high = _mm512_add_epi16(high, _mm512_srai_epi16::<8>(_mm512_unpackhi_epi8(zero, centre)));
                _mm512_packs_epi16(low, high)
            };
            // To unsigned bytes, + 128.
            _mm512_xor_si512(_mm512_max_epi8(x, _mm512_set1_epi8(-127)), _mm512_set1_epi8(-128))
        }
    }
    #[inline(always)]
    fn dot(self, token: &[Self::V; 8], centroid: &[i32; 8], offset: i32) -> Self::V {
        // SAFETY: `self` proves CPU support, including VNNI if it is used.
        unsafe {
            let (mut even, mut odd) = (_mm512_set1_epi32(offset), _mm512_setzero_si512());
            for j in 0..4 {
                let (c, d) = (_mm512_set1_epi32(centroid[j]), _mm512_set1_epi32(centroid[j + 4]));
                if VNNI {
                    even = _mm512_dpbusd_epi32(even, token[j], c);
                    odd = _mm512_dpbusd_epi32(odd, token[j + 4], d);
                } else {
                    // Centroid bytes are at most ±63, so a sum of two products fits into 16 bits and `maddubs` does not saturate.
                    let ones = _mm512_set1_epi16(1);
                    even = _mm512_add_epi32(even, _mm512_madd_epi16(_mm512_maddubs_epi16(token[j], c), ones));
                    odd = _mm512_add_epi32(odd, _mm512_madd_epi16(_mm512_maddubs_epi16(token[j + 4], d), ones));
                }
            }
            _mm512_add_epi32(even, odd)
        }
    }
    #[inline(always)]
    fn transpose(self, rows: &[&[i32]], at: usize) -> [Self::V; 8] {
        let mut a = [self.splat(0); 8];
        for (i, a) in a.iter_mut().enumerate() {
            // Rows 0–3 go above rows 4–7, and 8–11 above 12–15, so that the tokens come out in order.
            let row = if i < 4 { i } else { i + 4 };
            let (low, high) = (&rows[row][at..at + 8], &rows[row + 4][at..at + 8]);
            // SAFETY: `self` proves CPU support; each slice holds 32 bytes.
            *a = unsafe {
                let low = _mm512_castsi256_si512(_mm256_loadu_si256(low.as_ptr().cast()));
                _mm512_inserti64x4::<1>(low, _mm256_loadu_si256(high.as_ptr().cast()))
            };
        }
        // SAFETY: `self` proves CPU support.
        unsafe {
            // Interleave pairs of rows, then groups of four, then of eight.
            let [mut t, mut u] = [a; 2];
            for i in 0..4 {
                t[2 * i] = _mm512_unpacklo_epi32(a[2 * i], a[2 * i + 1]);
                t[2 * i + 1] = _mm512_unpackhi_epi32(a[2 * i], a[2 * i + 1]);
            }
            for i in 0..2 {
                u[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
                u[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
                u[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
                u[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
            }
            for i in 0..4 {
                a[i] = _mm512_shuffle_i32x4::<0b10_00_10_00>(u[i], u[i + 4]);
                a[i + 4] = _mm512_shuffle_i32x4::<0b11_01_11_01>(u[i], u[i + 4]);
            }
            a
        }
    }
}
