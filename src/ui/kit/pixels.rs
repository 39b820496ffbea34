//! The pixels of what panes draw as textures, kept for drawings of them: egui hands them to the GPU and keeps none.

use eframe::egui::{ColorImage, Context, Id, TextureId};
use std::collections::HashMap;
use std::sync::Arc;

/// Pixels of the textures that panes draw, by texture: egui keeps none.
pub type Images = HashMap<TextureId, Arc<ColorImage>>;

fn key() -> Id {
    Id::unique("pixels of textures")
}

/// Remembers the pixels of a texture, for drawings of it.
pub fn keep_pixels(ctx: &Context, texture: TextureId, pixels: Arc<ColorImage>) {
    ctx.data_mut(|d| d.get_temp_mut_or_default::<Images>(key()).insert(texture, pixels));
}

/// The pixels of all textures that were remembered.
#[must_use]
pub fn images(ctx: &Context) -> Images {
    ctx.data(|d| d.get_temp(key())).unwrap_or_default()
}
