//! An empty window that repaints all the time, to measure the highest frame rate of this machine's graphics and compare Moebias with it.
//!
//! `cargo run --release --example empty_window` prints frames per second; `MOEBIAS_STATS=1 cargo run --release` prints Moebias's.

use eframe::egui;
use std::time::Instant;

struct Empty {
    since: Instant,
    frames: u32,
}

impl eframe::App for Empty {
    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        ui.ctx().request_repaint();
        egui::CentralPanel::default().show(ui, |_| {});
        self.frames += 1;
        let elapsed = self.since.elapsed().as_secs_f64();
        if elapsed >= 2.0 {
            eprintln!("{:.1} frames/s, empty", f64::from(self.frames) / elapsed);
            *self = Self { since: Instant::now(), frames: 0 };
        }
    }
}

fn main() -> eframe::Result {
    let viewport = egui::ViewportBuilder::default().with_inner_size([1440.0, 900.0]);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    eframe::run_native("empty", options, Box::new(|_| Ok(Box::new(Empty { since: Instant::now(), frames: 0 }))))
}
