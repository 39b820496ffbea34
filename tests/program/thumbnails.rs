//! The pictures on the scenario cards: small grey heatmaps of the loads over time. `MOEBIAS_UPDATE=1` draws all of them again,
//! `MOEBIAS_UPDATE=skew,top-k` only these.

use image::{GrayImage, ImageFormat, Luma};
use moebias_engine::cpu::CpuEngine;
use moebias_engine::run::Run;
use moebias_engine::start::RunId;
use moebias_files::{Shipped, shipped};
use std::io::Cursor;

/// The size in pixels. Each pixel is the mean over several steps; the experts are spread over the height.
const WIDTH: u32 = 120;
const HEIGHT: u32 = 64;
/// The number of steps of a scenario without an end.
const STEPS: u64 = 300;

/// The number of columns that the test draws again; checking all of them would take much longer.
const CHECKED: u32 = WIDTH / 4;

/// The picture of a scenario: of its first variant whose loads differ visibly, because some rules spread tokens evenly by construction.
/// Only the first `width` columns are drawn.
fn thumbnail(shipped: &Shipped, width: u32) -> GrayImage {
    // The variant is chosen by the columns that the test checks, so that a part of the picture shows the same variant as the whole.
    let shows = |picture: &GrayImage| picture.pixels().filter(|p| p.0[0].abs_diff(128) > 4).count() >= 100;
    let mut parts = pictures(shipped, CHECKED);
    let variant = parts.iter().position(shows).expect("a variant that is not balanced by construction");
    if width == CHECKED { parts.swap_remove(variant) } else { pictures(shipped, width).swap_remove(variant) }
}

/// The loads of every variant over time: 0 is no load, 128 the fair share, 255 twice the fair share or more.
fn pictures(shipped: &Shipped, width: u32) -> Vec<GrayImage> {
    let start = moebias_lab::start_of(&shipped.load().unwrap());
    let end = start.stop.unwrap_or(STEPS);
    let variants = start.experiment.variants.len();
    let mut run = Run::new(RunId(0), start).unwrap();
    let mut engine = CpuEngine::new("");
    let mut columns = vec![vec![(0u32, vec![0.0; HEIGHT as usize]); WIDTH as usize]; variants];
    let to = (end * u64::from(width)).div_ceil(u64::from(WIDTH));
    while run.step() < to {
        let most = (to - run.step()) as u32;
        run.advance(&mut engine, most, |row, _| {
            for (v, columns) in row.variants.iter().zip(&mut columns) {
                let (count, sums) = &mut columns[(row.step * u64::from(WIDTH) / end) as usize];
                let fair = f64::from(row.tokens) * f64::from(v.top_k) / v.loads.len() as f64;
                *count += 1;
                for (y, sum) in sums.iter_mut().enumerate() {
                    *sum += f64::from(v.loads[y * v.loads.len() / HEIGHT as usize]) / fair;
                }
            }
        })
        .unwrap();
    }
    let draw = |columns: &Vec<(u32, Vec<f64>)>| {
        GrayImage::from_fn(width, HEIGHT, |x, y| {
            let (count, sums) = &columns[x as usize];
            let load = sums[y as usize] / f64::from((*count).max(1));
            let grey = if load <= 1.0 { load * 128.0 } else { 128.0 + (load - 1.0) * 127.0 };
            Luma([grey.round().min(255.0) as u8])
        })
    };
    columns.iter().map(draw).collect()
}

#[test]
fn the_pictures_show_what_the_scenarios_do() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/thumbnails");
    let update = std::env::var("MOEBIAS_UPDATE").ok();
    for s in shipped() {
        if let Some(which) = &update {
            if which == "1" || which.split(',').any(|id| id == s.id) {
                thumbnail(s, WIDTH).save_with_format(folder.join(format!("{}.png", s.id)), ImageFormat::Png).unwrap();
            }
            continue;
        }
        let kept = image::load(Cursor::new(s.thumbnail), ImageFormat::Png).unwrap().to_luma8();
        assert_eq!((kept.width(), kept.height()), (WIDTH, HEIGHT));
        let kept = image::imageops::crop_imm(&kept, 0, 0, CHECKED, HEIGHT).to_image();
        assert!(
            kept == thumbnail(s, CHECKED),
            "{}: make the picture anew with MOEBIAS_UPDATE=1 cargo test --test program thumbnails",
            s.id
        );
    }
}
