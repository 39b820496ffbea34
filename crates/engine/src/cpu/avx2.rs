//! AVX2, with and without VNNI: eight tokens in eight lanes.
//!
//! There are only sixteen registers, so the three passes of the kernel stay separate; fused they would spill. Without VNNI the dot product
//! multiplies unsigned token bytes (+ 128) by centroid bytes of at most ±63. A sum of two such products fits into 16 bits, so `maddubs`
//! does not saturate.
//!
//! Every `unsafe` block calls intrinsics that need CPU support and nothing else, unless its comment says more. A value of [`Avx2`] proves
//! the support, because it is created only in the two functions with `#[target_feature]`, which [`run`] calls after detection.

#![allow(unsafe_code)] // The instructions themselves; see the proof in `Lanes`.

use super::kernel;
use super::lanes::Lanes;
use super::plan::{Plan, Work};
use moebias_model::batch::Counts;
use moebias_model::fixed::{LOGIT_BITS, LOGIT_LIMIT};
use std::arch::x86_64::*;

/// Proof that the CPU has AVX2, and AVX-VNNI if `VNNI`.
#[derive(Clone, Copy, Debug)]
struct Avx2<const VNNI: bool>(());

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
    is_x86_feature_detected!("avx2") && (!vnni || is_x86_feature_detected!("avxvnni"))
}

#[target_feature(enable = "avx2")]
fn without(plan: &Plan<'_>, work: &Work, counts: &mut Counts) {
    kernel::run(Avx2::<false>(()), plan, work, counts);
}

#[target_feature(enable = "avx2,avxvnni")]
fn with_vnni(plan: &Plan<'_>, work: &Work, counts: &mut Counts) {
    kernel::run(Avx2::<true>(()), plan, work, counts);
}

/// As [`Lanes::prefetch`]; also used by AVX-512.
#[inline(always)]
pub fn prefetch(numbers: &[i32], at: usize) {
    if let Some(number) = numbers.get(at) {
        // SAFETY: every x86-64 CPU has this instruction, and it accesses no memory that Rust could observe.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(number).cast()) }
    }
}

impl<const VNNI: bool> Lanes for Avx2<VNNI> {
    const N: usize = 8;
    const HALF_TABLES: bool = true;
    const FUSED: bool = false;
    type V = __m256i;
    type Table = [__m256i; 4];

    #[inline(always)]
    fn prefetch(self, numbers: &[i32], at: usize) {
        prefetch(numbers, at);
    }
    #[inline(always)]
    fn load(self, from: &[i32]) -> Self::V {
        let from = &from[..8];
        // SAFETY: `self` proves CPU support; the slice holds 32 bytes.
        unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
    }
    #[inline(always)]
    fn store(self, v: Self::V, to: &mut [i32]) {
        let to = &mut to[..8];
        // SAFETY: `self` proves CPU support; the slice holds 32 bytes.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), v) }
    }
    #[inline(always)]
    fn splat(self, x: i32) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_set1_epi32(x) }
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_add_epi32(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_sub_epi32(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_mullo_epi32(a, b) }
    }
    #[inline(always)]
    fn mul_small(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_madd_epi16(a, b) }
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_min_epi32(a, b) }
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_max_epi32(a, b) }
    }
    #[inline(always)]
    fn and(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_and_si256(a, b) }
    }
    #[inline(always)]
    fn or(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_or_si256(a, b) }
    }
    #[inline(always)]
    fn xor(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_xor_si256(a, b) }
    }
    #[inline(always)]
    fn abs(self, a: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_abs_epi32(a) }
    }
    #[inline(always)]
    fn shl<const S: i32>(self, a: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_slli_epi32::<S>(a) }
    }
    #[inline(always)]
    fn shr<const S: i32>(self, a: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_srli_epi32::<S>(a) }
    }
    #[inline(always)]
    fn sar<const S: i32>(self, a: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_srai_epi32::<S>(a) }
    }
    #[inline(always)]
    fn shr_by(self, a: Self::V, s: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_srlv_epi32(a, s) }
    }
    #[inline(always)]
    fn equal(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_cmpeq_epi32(a, b) }
    }
    #[inline(always)]
    fn mul_high_unsigned(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe {
            let even = _mm256_mul_epu32(a, b);
            let odd = _mm256_mul_epu32(_mm256_srli_epi64::<32>(a), _mm256_srli_epi64::<32>(b));
            _mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<32>(even), odd)
        }
    }
    #[inline(always)]
    fn select_negative(self, sign: Self::V, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe {
            let [sign, a, b] = [_mm256_castsi256_ps(sign), _mm256_castsi256_ps(a), _mm256_castsi256_ps(b)];
            _mm256_castps_si256(_mm256_blendv_ps(a, b, sign))
        }
    }
    #[inline(always)]
    fn any(self, a: Self::V) -> bool {
        // SAFETY: `self` proves CPU support.
        unsafe { _mm256_testz_si256(a, a) == 0 }
    }
    #[inline(always)]
    fn quantised(self, bits: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support. The default rounding mode is to nearest, halves to even, and Rust code never changes it.
        unsafe {
            let limit = LOGIT_LIMIT as f32;
            let x = _mm256_mul_ps(_mm256_castsi256_ps(bits), _mm256_set1_ps((1 << LOGIT_BITS) as f32));
            _mm256_cvtps_epi32(_mm256_max_ps(_mm256_min_ps(x, _mm256_set1_ps(limit)), _mm256_set1_ps(-limit)))
        }
    }
    #[inline(always)]
    fn table(self, entries: &[i32; 32]) -> Self::Table {
        [self.load(entries), self.load(&entries[8..]), self.load(&entries[16..]), self.load(&entries[24..])]
    }
    #[inline(always)]
    fn lookup(self, table: Self::Table, index: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support.
        let (low, high) =
            unsafe { (_mm256_permutevar8x32_epi32(table[2], index), _mm256_permutevar8x32_epi32(table[3], index)) };
        let upper = self.select_negative(self.shl::<28>(index), low, high);
        self.select_negative(self.shl::<27>(index), self.lookup_half(table, index), upper)
    }
    #[inline(always)]
    fn lookup_half(self, table: Self::Table, index: Self::V) -> Self::V {
        // SAFETY: `self` proves CPU support. The permutation uses three bits of each index.
        let (low, high) =
            unsafe { (_mm256_permutevar8x32_epi32(table[0], index), _mm256_permutevar8x32_epi32(table[1], index)) };
        self.select_negative(self.shl::<28>(index), low, high)
    }
    #[inline(always)]
    fn token_bytes(self, noise: Self::V, centre: Self::V, factor: Self::V, small: bool) -> Self::V {
        // SAFETY: `self` proves CPU support.
        unsafe {
            // Each byte is put into the high half of 16 bits; the high half of its product with the factor is then byte·factor >> 8.
            let zero = _mm256_setzero_si256();
            let low = _mm256_mulhi_epi16(_mm256_unpacklo_epi8(zero, noise), factor);
            let high = _mm256_mulhi_epi16(_mm256_unpackhi_epi8(zero, noise), factor);
            let x = if small {
                _mm256_adds_epi8(_mm256_packs_epi16(low, high), centre)
            } else {
                let low = _mm256_add_epi16(low, _mm256_srai_epi16::<8>(_mm256_unpacklo_epi8(zero, centre)));
                let high = _mm256_add_epi16(high, _mm256_srai_epi16::<8>(_mm256_unpackhi_epi8(zero, centre)));
                _mm256_packs_epi16(low, high)
            };
            // To unsigned bytes, + 128.
            _mm256_xor_si256(_mm256_max_epi8(x, _mm256_set1_epi8(-127)), _mm256_set1_epi8(-128))
        }
    }
    #[inline(always)]
    fn dot(self, token: &[Self::V; 8], centroid: &[i32; 8], offset: i32) -> Self::V {
        // SAFETY: `self` proves CPU support, including VNNI if it is used.
        unsafe {
            let (mut even, mut odd) = (_mm256_set1_epi32(offset), _mm256_setzero_si256());
            for j in 0..4 {
                let (c, d) = (_mm256_set1_epi32(centroid[j]), _mm256_set1_epi32(centroid[j + 4]));
                if VNNI {
                    even = _mm256_dpbusd_avx_epi32(even, token[j], c);
                    odd = _mm256_dpbusd_avx_epi32(odd, token[j + 4], d);
                } else {
                    let ones = _mm256_set1_epi16(1);
                    even = _mm256_add_epi32(even, _mm256_madd_epi16(_mm256_maddubs_epi16(token[j], c), ones));
                    odd = _mm256_add_epi32(odd, _mm256_madd_epi16(_mm256_maddubs_epi16(token[j + 4], d), ones));
                }
            }
            _mm256_add_epi32(even, odd)
        }
    }
    #[inline(always)]
    fn transpose(self, rows: &[&[i32]], at: usize) -> [Self::V; 8] {
        let mut a = [self.splat(0); 8];
        for (a, row) in a.iter_mut().zip(rows) {
            *a = self.load(&row[at..]);
        }
        // SAFETY: `self` proves CPU support.
        unsafe {
            // Interleave pairs of rows, then groups of four, then of eight.
            let [mut t, mut u] = [a; 2];
            for i in 0..4 {
                t[2 * i] = _mm256_unpacklo_epi32(a[2 * i], a[2 * i + 1]);
                t[2 * i + 1] = _mm256_unpackhi_epi32(a[2 * i], a[2 * i + 1]);
            }
            for i in 0..2 {
                u[4 * i] = _mm256_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
                u[4 * i + 1] = _mm256_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
                u[4 * i + 2] = _mm256_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
                u[4 * i + 3] = _mm256_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
            }
            for i in 0..4 {
                a[i] = _mm256_permute2x128_si256::<0x20>(u[i], u[i + 4]);
                a[i + 4] = _mm256_permute2x128_si256::<0x31>(u[i], u[i + 4]);
            }
            a
        }
    }
}
