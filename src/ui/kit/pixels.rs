//! Keeps the pixels of textures that panes draw, so that they can be part of SVG drawings: egui passes them to the GPU and keeps none.

use eframe::egui::{ColorImage, Context, Id, TextureId};
use std::collections::HashMap;
use std::sync::Arc;

/// The pixels of textures, by the texture's id.
pub type Images = HashMap<TextureId, Arc<ColorImage>>;

fn key() -> Id {
    Id::unique("pixels of textures")
}

/// Keeps the pixels of a texture for SVG drawings.
pub fn keep_pixels(ctx: &Context, texture: TextureId, pixels: Arc<ColorImage>) {
    ctx.data_mut(|d| d.get_temp_mut_or_default::<Images>(key()).insert(texture, pixels));
}

/// The pixels of all textures that were kept.
#[must_use]
pub fn images(ctx: &Context) -> Images {
    ctx.data(|d| d.get_temp(key())).unwrap_or_default()
}
