//! A film as GIF: each frame is the rectangle that changed, with a palette of its own.

use super::palette::{MOST, Palette, Rgb};
use super::{Part, changed, cut};
use std::borrow::Cow;
use std::io;

/// A GIF that is being encoded.
pub struct Gif {
    encoder: gif::Encoder<Vec<u8>>,
    size: (u32, u32),
    /// Duration of a frame in hundredths of a second.
    delay: u16,
    before: Vec<u8>,
    /// The last frame, which is written once it is known how long it is shown.
    waiting: Option<gif::Frame<'static>>,
}

impl Gif {
    pub(super) fn new(size: (u32, u32), fps: u32) -> io::Result<Self> {
        let side = |n: u32| u16::try_from(n).map_err(io::Error::other);
        let mut encoder = gif::Encoder::new(vec![], side(size.0)?, side(size.1)?, &[]).map_err(io::Error::other)?;
        encoder.set_repeat(gif::Repeat::Infinite).map_err(io::Error::other)?;
        let delay = (100 / fps.max(1)).max(2) as u16;
        Ok(Self { encoder, size, delay, before: vec![], waiting: None })
    }

    pub(super) fn size(&self) -> (u32, u32) {
        self.size
    }

    pub(super) fn push(&mut self, rgba: &[u8]) -> io::Result<()> {
        let (width, height) = self.size;
        let first = self.before.is_empty();
        let whole = Part { left: 0, top: 0, width, height };
        let part = if first { Some(whole) } else { changed(&self.before, rgba, width) };
        let Some(part) = part else {
            // The same picture again: the last frame is shown longer.
            if let Some(frame) = &mut self.waiting {
                frame.delay = frame.delay.saturating_add(self.delay);
            }
            return Ok(());
        };
        let now = cut(rgba, width, part);
        let old = if first { vec![] } else { cut(&self.before, width, part) };
        let rgb = |p: &[u8]| -> Rgb { [p[0], p[1], p[2]] };
        let stays = |i: usize| !first && old[i * 4..i * 4 + 4] == now[i * 4..i * 4 + 4];
        let palette = Palette::of(now.chunks_exact(4).enumerate().filter(|(i, _)| !stays(*i)).map(|(_, p)| rgb(p)));
        let clear = palette.colours.len().min(MOST) as u8;
        let pixels: Vec<u8> = now
            .chunks_exact(4)
            .enumerate()
            .map(|(i, p)| if stays(i) { clear } else { palette.index(rgb(p)) })
            .collect();
        let mut colours: Vec<u8> = palette.colours.concat();
        colours.extend([0, 0, 0]);
        let side = |n: u32| n as u16;
        let frame = gif::Frame {
            delay: self.delay,
            dispose: gif::DisposalMethod::Keep,
            transparent: Some(clear),
            left: side(part.left),
            top: side(part.top),
            width: side(part.width),
            height: side(part.height),
            palette: Some(colours),
            buffer: Cow::Owned(pixels),
            ..gif::Frame::default()
        };
        if let Some(before) = self.waiting.replace(frame) {
            self.encoder.write_frame(&before).map_err(io::Error::other)?;
        }
        self.before = rgba.to_vec();
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<Vec<u8>> {
        if let Some(mut last) = self.waiting.take() {
            // The last frame is shown for another second before the film repeats.
            last.delay = last.delay.saturating_add(100);
            self.encoder.write_frame(&last).map_err(io::Error::other)?;
        }
        self.encoder.into_inner().map_err(io::Error::other)
    }
}
