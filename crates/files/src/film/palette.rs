//! At most 255 colours for a picture. A screen is mostly few flat colours with text on them: the commonest are kept as they are, so that
//! nothing flickers from frame to frame, and the rest (blends, maps of many shades) share what is left by median cut.

use std::collections::HashMap;

/// A colour without its opacity.
pub(super) type Rgb = [u8; 3];

/// Colours of a palette; the index after the last means "as before".
pub(super) const MOST: usize = 255;
/// Colours that are kept exactly.
const EXACT: usize = 128;

/// A palette and which of its colours stands for each.
pub(super) struct Palette {
    pub(super) colours: Vec<Rgb>,
    index: HashMap<Rgb, u8>,
}

impl Palette {
    /// Of these pixels.
    pub(super) fn of(pixels: impl Iterator<Item = Rgb>) -> Self {
        let mut counts: HashMap<Rgb, u32> = HashMap::new();
        for pixel in pixels {
            *counts.entry(pixel).or_default() += 1;
        }
        let mut all: Vec<(Rgb, u32)> = counts.into_iter().collect();
        // The commonest first; one total order, or two runs of the same film would differ.
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

    /// The index of a colour of the picture.
    pub(super) fn index(&self, colour: Rgb) -> u8 {
        self.index.get(&colour).copied().unwrap_or(0)
    }
}

fn nearest(colours: &[Rgb], wanted: Rgb) -> usize {
    let far = |c: &Rgb| {
        // Green counts most to the eye, blue least.
        let d = |i: usize| i32::from(c[i]) - i32::from(wanted[i]);
        2 * d(0) * d(0) + 4 * d(1) * d(1) + d(2) * d(2)
    };
    colours.iter().enumerate().min_by_key(|(_, c)| far(c)).map_or(0, |(i, _)| i)
}

/// Splits the box that varies most at its middle pixel until there are enough; each box stands for its mean.
fn median_cut(colours: Vec<(Rgb, u32)>, boxes: usize) -> Vec<Rgb> {
    let spread = |of: &[(Rgb, u32)]| {
        let range = |i: usize| {
            let values = of.iter().map(|(c, _)| c[i]);
            u32::from(values.clone().max().unwrap_or(0) - values.min().unwrap_or(0))
        };
        (0..3).map(|i| (range(i), i)).max().unwrap_or((0, 0))
    };
    // A box that many pixels are in is split sooner, but one of few that lie far apart too.
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
