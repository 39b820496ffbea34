//! Draws the window fast where a CPU rasterises it.
//!
//! egui's shader has branches for dithering and for filtering textures by hand. A graphics card skips a branch that is switched off; a
//! rasteriser on the CPU, such as Mesa's llvmpipe, evaluates both sides of every branch for every pixel, which takes about 200 cycles, and a
//! window full of panels keeps both cores of a small machine busy. There, [`install`] takes the shapes that egui has painted before eframe
//! draws them, and draws them with a shader without branches: the same pixels, and three times the frames per second.
//!
//! Nothing else changes: panes paint as usual, and pictures, films and tests use egui's own renderer. On a graphics card nothing is
//! installed. Paint callbacks would not be drawn; the window has none.

mod painter;
#[cfg(test)]
mod tests;

use eframe::egui::epaint::{ClippedPrimitive, ClippedShape, textures::TexturesDelta};
use eframe::egui::{Context, FullOutput, PaintCallbackInfo, Plugin};
use eframe::egui_wgpu::{Callback, CallbackResources, CallbackTrait, RenderState, ScreenDescriptor};
use moebias_engine::run::lock;
use painter::Painter;
use std::sync::{Arc, Mutex};

/// Draws this window with `Painter` if a CPU rasterises it.
pub fn install(ctx: &Context, state: &RenderState) {
    if state.adapter.get_info().device_type == wgpu::DeviceType::Cpu {
        redirect(ctx, state);
    }
}

/// Draws everything of `ctx` with [`Painter`], whatever the device.
fn redirect(ctx: &Context, state: &RenderState) {
    // An sRGB frame buffer converts colours, which the shader does not expect. Every known system offers another format too.
    if state.target_format.is_srgb() {
        return;
    }
    let painter = Painter::new(&state.device, state.target_format);
    state.renderer.write().callback_resources.insert(painter);
    ctx.add_plugin(Redirect::default());
}

/// Replaces all shapes of a frame by one paint callback.
#[derive(Default)]
struct Redirect {
    textures: Arc<Mutex<Waiting>>,
}

/// Changes to textures since the last frame that was drawn. They accumulate: a frame may be discarded, its textures may not.
#[derive(Default)]
struct Waiting(TexturesDelta);

impl Drop for Waiting {
    fn drop(&mut self) {
        // egui reports changes that were never drawn as a mistake. Here the window was closed before it drew them.
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

/// The triangles and textures of a frame.
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
