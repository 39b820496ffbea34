//! The window on a software rasteriser.
//!
//! egui's shader can dither and filter by hand besides what it is asked for. A graphics card skips what is switched off; a
//! rasteriser on the CPU, as Mesa's llvmpipe, does both sides of every branch for every pixel, about 200 cycles of it, and a window
//! full of panels takes both cores of a small machine. Where the window is drawn so, [`install`] takes what egui has painted, before
//! eframe draws it, and draws it with a shader that has no branches: the same pixels, and three times the frames per second.
//!
//! Nothing else changes: panes paint as ever, and pictures, films and tests use egui's own renderer. On a graphics card this does
//! nothing at all. Paint callbacks of others would not be drawn; the window has none.

mod painter;
#[cfg(test)]
mod tests;

use eframe::egui::epaint::{ClippedPrimitive, ClippedShape, textures::TexturesDelta};
use eframe::egui::{Context, FullOutput, PaintCallbackInfo, Plugin};
use eframe::egui_wgpu::{Callback, CallbackResources, CallbackTrait, RenderState, ScreenDescriptor};
use moebias_engine::run::lock;
use painter::Painter;
use std::sync::{Arc, Mutex};

/// Draws this window plainly, if a CPU rasterises it.
pub fn install(ctx: &Context, state: &RenderState) {
    if state.adapter.get_info().device_type == wgpu::DeviceType::Cpu {
        redirect(ctx, state);
    }
}

/// Draws everything of `ctx` by [`Painter`], whatever the device.
fn redirect(ctx: &Context, state: &RenderState) {
    // On a linear frame buffer colours are converted, which this does not do; nobody offers nothing else.
    if state.target_format.is_srgb() {
        return;
    }
    let painter = Painter::new(&state.device, state.target_format);
    state.renderer.write().callback_resources.insert(painter);
    ctx.add_plugin(Redirect::default());
}

/// Puts one callback in the place of all shapes.
#[derive(Default)]
struct Redirect {
    textures: Arc<Mutex<Waiting>>,
}

/// Textures that changed since the last frame that was drawn. (A pass can be discarded, its textures cannot.)
#[derive(Default)]
struct Waiting(TexturesDelta);

impl Drop for Waiting {
    fn drop(&mut self) {
        // egui takes changes that nobody drew for a mistake; the window is closed.
        self.0.clear();
    }
}

impl Plugin for Redirect {
    fn debug_name(&self) -> &'static str {
        "software rasteriser"
    }

    fn output_hook(&mut self, ctx: &Context, output: &mut FullOutput) {
        lock(&self.textures).0.append(std::mem::take(&mut output.textures_delta));
        let shapes = std::mem::take(&mut output.shapes);
        let frame =
            Frame { primitives: ctx.tessellate(shapes, output.pixels_per_point), textures: Arc::clone(&self.textures) };
        let rect = ctx.viewport_rect();
        output.shapes.push(ClippedShape::new(rect, Callback::new_paint_callback(rect, frame)));
    }
}

/// All that a frame shows.
struct Frame {
    primitives: Vec<ClippedPrimitive>,
    textures: Arc<Mutex<Waiting>>,
}

impl CallbackTrait for Frame {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        _: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(painter) = resources.get_mut::<Painter>() {
            painter.prepare(device, queue, screen, &mut lock(&self.textures).0, &self.primitives);
        }
        vec![]
    }

    fn paint(&self, _: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        if let Some(painter) = resources.get::<Painter>() {
            painter.paint(pass);
        }
    }
}
