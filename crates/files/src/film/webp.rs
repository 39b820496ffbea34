//! A film as lossless WebP. The encoder in use writes only single pictures; this module puts them into the container of an animation
//! (RIFF, VP8X, ANIM, ANMF; <https://developers.google.com/speed/webp/docs/riff_container>).

use super::{Part, changed, cut};
use std::io;

/// Flags of the VP8X chunk: this is an animation, and frames have transparent pixels.
const FLAGS: u8 = 0b0001_0010;
/// Flags of a frame that is blended over the previous ones and stays.
const OVER: u8 = 0;
/// Flags of the first frame, which replaces everything.
const ALONE: u8 = 0b10;

/// A WebP that is being encoded.
pub struct WebP {
    size: (u32, u32),
    fps: u32,
    before: Vec<u8>,
    frames: Vec<Frame>,
}

struct Frame {
    part: Part,
    /// For how many pictures of the film it is shown.
    shown: u32,
    /// The complete VP8L chunk.
    chunk: Vec<u8>,
}

impl WebP {
    pub(super) fn new(size: (u32, u32), fps: u32) -> Self {
        Self { size, fps: fps.max(1), before: vec![], frames: vec![] }
    }

    pub(super) fn size(&self) -> (u32, u32) {
        self.size
    }

    pub(super) fn push(&mut self, rgba: &[u8]) -> io::Result<()> {
        let (width, height) = self.size;
        let whole = Part { left: 0, top: 0, width, height };
        let part = if self.before.is_empty() { Some(whole) } else { changed(&self.before, rgba, width) };
        let Some(part) = part else {
            if let Some(last) = self.frames.last_mut() {
                last.shown += 1;
            }
            return Ok(());
        };
        // Frames must begin at even coordinates.
        let (left, top) = (part.left & !1, part.top & !1);
        let part = Part { left, top, width: part.left + part.width - left, height: part.top + part.height - top };
        // Unchanged pixels are made transparent, which compresses to almost nothing.
        let mut now = cut(rgba, width, part);
        if !self.before.is_empty() {
            let old = cut(&self.before, width, part);
            for (_, stays) in old.chunks_exact(4).zip(now.chunks_exact_mut(4)).filter(|(a, b)| *a == &**b) {
                stays.fill(0);
            }
        }
        let mut file = vec![];
        let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut file);
        encoder.encode(&now, part.width, part.height, image::ExtendedColorType::Rgba8).map_err(io::Error::other)?;
        let chunk = picture_of(&file).ok_or_else(|| io::Error::other("the WebP encoder wrote no picture"))?;
        self.frames.push(Frame { part, shown: 1, chunk: chunk.to_vec() });
        self.before = rgba.to_vec();
        Ok(())
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let (width, height) = self.size;
        let mut body = b"WEBP".to_vec();
        let mut extended = vec![FLAGS, 0, 0, 0];
        extended.extend(three(width - 1));
        extended.extend(three(height - 1));
        chunk(&mut body, b"VP8X", &extended);
        // An opaque black background, and endless repetition.
        chunk(&mut body, b"ANIM", &[0, 0, 0, 255, 0, 0]);
        let last = self.frames.len().saturating_sub(1);
        for (i, frame) in self.frames.iter().enumerate() {
            let rest = if i == last { 1000 } else { 0 };
            let mut data = vec![];
            for value in [
                frame.part.left / 2,
                frame.part.top / 2,
                frame.part.width - 1,
                frame.part.height - 1,
                (frame.shown * 1000 / self.fps + rest).min(0xff_ffff),
            ] {
                data.extend(three(value));
            }
            data.push(if i == 0 { ALONE } else { OVER });
            data.extend(&frame.chunk);
            chunk(&mut body, b"ANMF", &data);
        }
        let mut file = b"RIFF".to_vec();
        file.extend((body.len() as u32).to_le_bytes());
        file.extend(body);
        file
    }
}

/// A number as three bytes, little-endian.
fn three(value: u32) -> [u8; 3] {
    let [a, b, c, _] = value.to_le_bytes();
    [a, b, c]
}

fn chunk(out: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    out.extend(name);
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    if data.len() % 2 == 1 {
        out.push(0);
    }
}

/// The chunk with the picture in a WebP file of one picture: name, length, data and padding byte.
fn picture_of(file: &[u8]) -> Option<&[u8]> {
    let mut at = 12;
    while let (Some(name), Some(length)) = (file.get(at..at + 4), file.get(at + 4..at + 8)) {
        let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
        let end = at + 8 + length + length % 2;
        if name == b"VP8L" {
            return file.get(at..end);
        }
        at = end;
    }
    None
}
