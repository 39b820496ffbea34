//! The painter draws the same pixels as egui's own renderer.

use super::redirect;
use eframe::egui::{self, Color32, ColorImage, Pos2, Rect, Stroke, TextureHandle, TextureOptions, pos2, vec2};
use eframe::egui_wgpu::RendererOptions;
use egui_kittest::Harness;
use egui_kittest::wgpu::{WgpuTestRenderer, create_render_state, default_wgpu_setup};
use image::RgbaImage;

/// Draws letters, areas large and small, curves, transparent colours, clipped shapes, and pictures whose textures change and are freed.
fn scene(ui: &mut egui::Ui, pictures: &mut Vec<TextureHandle>, frame: usize, is_new: bool) {
    let image = |x: usize| {
        let pixels = (0..64).map(|i| Color32::from_rgb((i * 4) as u8, (x * 60) as u8, 200 - i as u8)).collect();
        ColorImage::new([8, 8], pixels)
    };
    let ctx = ui.ctx().clone();
    match frame {
        _ if !is_new => {}
        0 => {
            pictures.push(ctx.load_texture("nearest", image(0), TextureOptions::NEAREST));
            pictures.push(ctx.load_texture("linear", image(1), TextureOptions::LINEAR));
            pictures.push(ctx.load_texture("repeated", image(2), TextureOptions::LINEAR_REPEAT));
        }
        1 => pictures[0].set_partial([2, 3], ColorImage::filled([3, 2], Color32::WHITE), TextureOptions::NEAREST),
        2 => pictures[1].set(image(3), TextureOptions::NEAREST),
        _ => pictures.truncate(2),
    }
    let painter = ui.painter();
    painter.rect_filled(Rect::from_min_size(pos2(10.0, 10.0), vec2(300.0, 200.0)), 8.0, Color32::from_rgb(30, 34, 48));
    painter.rect_filled(
        Rect::from_min_size(pos2(50.0, 60.0), vec2(250.0, 120.0)),
        0.0,
        Color32::from_rgba_unmultiplied(250, 120, 20, 90),
    );
    painter.circle(pos2(330.0, 120.0), 41.0, Color32::from_rgb(60, 90, 160), Stroke::new(3.0, Color32::LIGHT_GREEN));
    let curve = (0..200).map(|i| pos2(i as f32 * 2.0, 150.0 + 40.0 * (i as f32 * 0.13).sin())).collect();
    painter.line(curve, Stroke::new(1.3, Color32::from_rgb(240, 200, 90)));
    let clipped = painter.with_clip_rect(Rect::from_min_size(pos2(200.0, 20.0), vec2(60.0, 33.3)));
    clipped.rect_filled(Rect::EVERYTHING, 0.0, Color32::from_rgb(90, 30, 120));
    for (i, picture) in pictures.iter().enumerate() {
        let uv = Rect::from_min_max(Pos2::ZERO, pos2(1.0 + i as f32 * 0.7, 1.0));
        let place = Rect::from_min_size(pos2(20.0 + 120.0 * i as f32, 220.0), vec2(110.0, 70.0));
        painter.image(picture.id(), place, uv, Color32::from_white_alpha(255 - 60 * i as u8));
    }
    ui.label("Which token goes to which expert");
    ui.heading(format!("Wjgy: frame {frame}"));
    let _pressed = ui.button("Play");
}

/// Renders four frames at a scale of 1.5 pixels per point, with our painter or with egui's.
fn frames(plainly: bool) -> Vec<RgbaImage> {
    let state = create_render_state(default_wgpu_setup(), RendererOptions { dithering: false, ..Default::default() });
    let renderer = WgpuTestRenderer::from_render_state(state.clone());
    let (mut pictures, mut redirected, mut last) = (vec![], !plainly, None);
    let mut harness =
        Harness::builder().with_size(vec2(400.0, 300.0)).with_pixels_per_point(1.5).renderer(renderer).build_ui_state(
            move |ui, frame: &mut usize| {
                if !std::mem::replace(&mut redirected, true) {
                    redirect(ui.ctx(), &state);
                }
                scene(ui, &mut pictures, *frame, last.replace(*frame) != Some(*frame));
            },
            0,
        );
    (1..=4)
        .map(|frame| {
            let picture = harness.render().unwrap();
            *harness.state_mut() = frame;
            harness.step();
            picture
        })
        .collect()
}

#[test]
fn the_pixels_are_those_of_egui() {
    if moebias_testing::or_skip("the window's own shader", crate::ui::export::studio::adapter()).is_none() {
        return;
    }
    let (theirs, ours) = (frames(false), frames(true));
    for (n, (a, b)) in theirs.iter().zip(&ours).enumerate() {
        assert_eq!(a.dimensions(), (600, 450));
        assert!(a.pixels().any(|p| p.0 != a.get_pixel(0, 0).0), "something is drawn");
        let furthest = a.pixels().zip(b.pixels()).map(|(a, b)| {
            let apart = a.0.iter().zip(b.0).map(|(&a, b)| a.abs_diff(b));
            apart.max().unwrap_or(0)
        });
        let furthest = furthest.max().unwrap_or(0);
        assert!(furthest <= 1, "frame {n}: a channel differs by {furthest}");
    }
    assert!(theirs.windows(2).all(|two| two[0] != two[1]), "the frames differ");
}
