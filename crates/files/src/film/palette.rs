//! A palette of at most 255 colours for a picture. A screen mostly has a few flat colours with text on them. The most frequent colours are
//! kept exactly, so that nothing flickers between frames; the others (blends, maps of many shades) share the rest by median cut.

use std::collections::HashMap;

/// A colour without opacity.
pub(super) type Rgb = [u8; 3];

/// The largest number of colours of a palette; the next index means "as in the frame before".
pub(super) const MOST: usize = 255;
/// Number of colours that are kept exactly if there are more than [`MOST`].
const EXACT: usize = 128;

/// A palette, and the index of the palette's colour for each colour of the picture.
pub(super) struct Palette {
    pub(super) colours: Vec<Rgb>,
    index: HashMap<Rgb, u8>,
}

impl Palette {
    /// The palette of these pixels.
    pub(super) fn of(pixels: impl Iterator<Item = Rgb>) -> Self {
        let mut counts: HashMap<Rgb, u32> = HashMap::new();
        for pixel in pixels {
            *counts.entry(pixel).or_default() += 1;
        }
        let mut all: Vec<(Rgb, u32)> = counts.into_iter().collect();
        // The most frequent colours first. The order is total, so that a film comes out the same every time.
        all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let exact = if all.len() <= MOST { all.len() } else { EXACT };
        let mut colours: Vec<Rgb> = all[..exact].iter().map(|(c, _)| *c).collect();
        if all.len() > MOST {
            colours.extend(median_cut(all[exact..].to_vec(), MOST - exact));
        }
        let mut index: HashMap<Rgb, u8> = HashMap::with_capacity(all.len());
        for (i, (colour, _)) in all.iter().enumerate() {
            let nearest = if i < exact { i } else { nearest(&colours, *colour) };
            index.insert(*colour, nearest as u8);
        }
        Self { colours, index }
    }

    /// The palette index for a colour of the picture.
    pub(super) fn index(&self, colour: Rgb) -> u8 {
        self.index.get(&colour).copied().unwrap_or(0)
    }
}

fn nearest(colours: &[Rgb], wanted: Rgb) -> usize {
    let far = |c: &Rgb| {
        // The eye is most sensitive to green and least to blue.
        let d = |i: usize| i32::from(c[i]) - i32::from(wanted[i]);
        2 * d(0) * d(0) + 4 * d(1) * d(1) + d(2) * d(2)
    };
    colours.iter().enumerate().min_by_key(|(_, c)| far(c)).map_or(0, |(i, _)| i)
}

/// Repeatedly splits one of the boxes of colours at its median pixel until there are `boxes`; each box is replaced by its mean colour.
fn median_cut(colours: Vec<(Rgb, u32)>, boxes: usize) -> Vec<Rgb> {
    let spread = |of: &[(Rgb, u32)]| {
        let range = |i: usize| {
            let values = of.iter().map(|(c, _)| c[i]);
            u32::from(values.clone().max().unwrap_or(0) - values.min().unwrap_or(0))
        };
        (0..3).map(|i| (range(i), i)).max().unwrap_or((0, 0))
    };
    // The next box to split is chosen by its range of colours and its number of pixels, the range counting more.
    let worth = |of: &Vec<(Rgb, u32)>| {
        let pixels: u32 = of.iter().map(|(_, n)| n).sum();
        u64::from(spread(of).0.pow(2)) * u64::from(pixels.isqrt() + 1)
    };
    let mut all = vec![(worth(&colours), colours)];
    while all.len() < boxes {
        let Some(at) = (0..all.len()).filter(|&i| all[i].1.len() > 1).max_by_key(|&i| all[i].0) else { break };
        let (_, mut split) = all.swap_remove(at);
        let channel = spread(&split).1;
        split.sort_unstable_by_key(|(c, _)| (c[channel], *c));
        let half = split.iter().map(|(_, n)| u64::from(*n)).sum::<u64>() / 2;
        let mut sum = 0;
        let middle = split.iter().position(|(_, n)| {
            sum += u64::from(*n);
            sum > half
        });
        let upper = split.split_off(middle.unwrap_or(1).clamp(1, split.len() - 1));
        all.push((worth(&split), split));
        all.push((worth(&upper), upper));
    }
    let mean = |of: &[(Rgb, u32)]| {
        let all: u64 = of.iter().map(|(_, n)| u64::from(*n)).sum::<u64>().max(1);
        let channel = |i: usize| (of.iter().map(|(c, n)| u64::from(c[i]) * u64::from(*n)).sum::<u64>() + all / 2) / all;
        [channel(0) as u8, channel(1) as u8, channel(2) as u8]
    };
    all.iter().filter(|(_, of)| !of.is_empty()).map(|(_, of)| mean(of)).collect()
}
