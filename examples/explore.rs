use moebias::engine::{Engine, cpu::CpuEngine};
use moebias::model::{config::*, metrics::*, step::*};
fn main() {
    for (topics, skew, noise) in [(32, 1.1, 0.8), (32, 0.0, 0.8), (32, 2.0, 0.8), (16, 1.1, 0.8), (32, 1.1, 1.5)] {
        for (rate, n) in [(0.001, 800), (0.01, 300)] {
            let e = Experiment {
                seed: 1,
                source: Source::Synthetic(Synthetic { topics, skew, noise, ..Default::default() }),
                variants: vec![Variant {
                    name: "a".into(),
                    router: Router::default(),
                    balancer: Balancer { rate, ..Default::default() },
                }],
            };
            let mut s = Simulation::new(e, None).unwrap();
            let mut t = Tracker::default();
            let mut en = CpuEngine::new("");
            let st = std::time::Instant::now();
            let mut rows = vec![];
            en.advance(&mut s, n, &mut rows).unwrap();
            let dt = st.elapsed().as_secs_f64() / n as f64;
            let m: Vec<Metrics> = rows.iter().map(|r| t.push(&r.variants[0])).collect();
            let tail: f64 = m[m.len() - 100..].iter().map(|x| x.max_vio).sum::<f64>() / 100.;
            print!("topics {topics} skew {skew} noise {noise} u {rate}: {:.2}ms ", dt * 1e3);
            for i in [0, 20, 50, 100, 200, 299, 500, 799] {
                if i < m.len() {
                    print!(" {i}:{:.2}/{:.2}", m[i].max_vio, m[i].max_vio_16);
                }
            }
            let set = (0..m.len()).find(|&i| m[i..].iter().take(64).all(|x| x.max_vio_16 <= 0.2));
            println!(
                " tail {tail:.3} settle {set:?} bias {:.2}..{:.2} moved {:.2} dead {}",
                m.last().unwrap().bias_min,
                m.last().unwrap().bias_max,
                m.last().unwrap().moved,
                m[60].dead
            );
        }
    }
}
