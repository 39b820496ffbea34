//! placeholder
use moebias::engine::{Engine, gpu::GpuEngine};
use moebias::model::config::{Experiment, Source, Synthetic, Variant};
use moebias::model::step::Simulation;
use std::time::Instant;
#[test]
fn first() {
    for b in [wgpu::Backends::VULKAN, wgpu::Backends::GL] {
        let t = Instant::now();
        let mut engine = GpuEngine::open_on(Some(b), true).unwrap();
        println!("{:?} {:?}", engine.info(), t.elapsed());
        let experiment = Experiment {
            seed: 3,
            source: Source::Synthetic(Synthetic { batch: 64, ..Default::default() }),
            variants: vec![Variant { name: "a".into(), router: Default::default(), balancer: Default::default() }],
        };
        let mut s = Simulation::new(experiment, None).unwrap();
        let mut o = s.clone();
        let mut rows = vec![];
        let t = Instant::now();
        engine.advance(&mut s, 100, &mut rows).unwrap();
        println!("{:?}", t.elapsed());
        for row in rows { assert_eq!(row, o.advance()); }
        for batch in [4096, 16384, 65536] {
            for experts in [64, 256] {
            let experiment = Experiment {
                seed: 3,
                source: Source::Synthetic(Synthetic { batch, ..Default::default() }),
                variants: vec![Variant { name: "a".into(), router: moebias::model::config::Router { experts, ..Default::default() }, balancer: Default::default() }],
            };
            let mut s = Simulation::new(experiment, None).unwrap();
            let mut rows = vec![];
            engine.advance(&mut s, 5, &mut rows).unwrap();
            let n = 20.min(40_000_0 / batch);
            let t = Instant::now();
            engine.advance(&mut s, n, &mut rows).unwrap();
            let e = t.elapsed().as_secs_f64() / n as f64;
            println!("{batch}x{experts}: {:.3} ms, {:.3} Gpairs/s", e * 1e3, batch as f64 * experts as f64 / e / 1e9);
            }
        }
    }
}
