//! Validates every shader with naga, and compares the structs of shaders and host.

use moebias_engine::gpu::layout::{PartParams, StepParams, VariantParams};
use moebias_engine::gpu::shader::Pass;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{Module, TypeInner};
use std::fs;
use std::path::{Path, PathBuf};

fn parsed(pass: Pass) -> Module {
    let source = pass.source();
    naga::front::wgsl::parse_str(source.text()).unwrap_or_else(|e| {
        let (file, line) = source.place(e.location(source.text()).map_or(1, |at| at.line_number as usize));
        panic!("{pass:?}: {file}, line {line}: {}", e.emit_to_string(source.text()))
    })
}

/// Every source file of the shaders.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shaders");
    let mut all = vec![];
    for folder in [root.clone(), root.join("shared")] {
        let paths = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
        all.extend(paths.filter(|p| p.extension().is_some_and(|e| e == "wgsl")));
    }
    all.sort();
    all
}

#[test]
fn every_pass_is_valid() {
    let passes = Pass::all();
    // For each kind of scores and K: with both kinds of keys the K largest, groups, and (except for recorded scores) hash; and a threshold,
    // which has no keys.
    let (scores, keys, keeps) = (4, 2, 4);
    let choices = keys * (3 * scores - 1) + scores;
    let (shared, ordering) = (scores * keys * 2, scores * keeps);
    assert_eq!(passes.len(), 5 + 2 * choices * keeps + shared + ordering);
    for pass in passes {
        let module = parsed(pass);
        // Only plain WGSL: no subgroups, no 64-bit integers, no floats of other sizes.
        Validator::new(ValidationFlags::all(), Capabilities::empty())
            .validate(&module)
            .unwrap_or_else(|e| panic!("{pass:?}: {}", e.emit_to_string(pass.source().text())));
        let entries: Vec<&str> = module.entry_points.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(entries, [pass.entry()]);
        let lanes = module.entry_points[0].workgroup_size[0];
        assert!(lanes <= 256, "more threads than the default limits promise");
        assert_eq!(lanes, pass.lanes(), "{pass:?}");
    }
}

#[test]
fn the_default_limits_are_kept() {
    let limits = wgpu::Limits::default();
    for pass in Pass::all() {
        let module = parsed(pass);
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        let (mut storage, mut workgroup) = (0, 0);
        for (_, global) in module.global_variables.iter() {
            match global.space {
                naga::AddressSpace::Storage { .. } => storage += 1,
                naga::AddressSpace::WorkGroup => workgroup += layouter[global.ty].size,
                _ => {}
            }
        }
        assert!(storage <= limits.max_storage_buffers_per_shader_stage, "{pass:?}: {storage} storage buffers");
        assert!(workgroup <= limits.max_compute_workgroup_storage_size, "{pass:?}: {workgroup} bytes");
    }
}

/// Name and offset of every member of a shader's struct, and its size, according to naga.
fn of_shader(name: &str) -> (Vec<(String, usize)>, usize) {
    let module = parsed(Pass::Prepare);
    let (_, found) = module.types.iter().find(|(_, t)| t.name.as_deref() == Some(name)).unwrap();
    let TypeInner::Struct { members, span } = &found.inner else { panic!("{name} is no struct") };
    (members.iter().map(|m| (m.name.clone().unwrap(), m.offset as usize)).collect(), *span as usize)
}

/// The same for a struct of the host.
macro_rules! of_host {
    ($name:ident: $($field:ident),*) => {
        (vec![$((stringify!($field).to_owned(), std::mem::offset_of!($name, $field))),*], size_of::<$name>())
    };
}

#[test]
fn structs_are_laid_out_alike() {
    let step = of_host!(StepParams: batch, sample, loads_at, moved_at, saturated_at, bias_at, next_bias_at, rates_at,
        topics_at, topics, key_step, seed, burst, noise_q8, trace_at, pad);
    assert_eq!(of_shader("Step"), step);
    let part = of_host!(PartParams: first_variant, first_token, variants, stage);
    assert_eq!(of_shader("Part"), part);
    let variant = of_host!(VariantParams: experts, top_k, first_expert, index, rule, centred, scores_at, assignments,
        bias_shift, steepness, momentum, computing, share, groups, kept, rank, rounds, average);
    assert_eq!(of_shader("Variant"), variant);
}

#[test]
fn every_file_names_its_twin() {
    let all = files();
    assert!(all.len() > 15);
    for path in all {
        let text = fs::read_to_string(&path).unwrap();
        let twin = text.strip_prefix("// Twin of ").and_then(|t| t.split([':', ',', ' ', '\n']).next());
        let twin = twin.unwrap_or_else(|| panic!("{} names no twin", path.display()));
        assert!(twin.starts_with("crates/model/src/"), "{}: {twin}", path.display());
        assert!(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(twin).exists(),
            "{}: {twin} is not there",
            path.display()
        );
    }
}

#[test]
fn every_file_is_used() {
    let sources: Vec<_> = Pass::all().into_iter().map(Pass::source).collect();
    for path in files() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(sources.iter().any(|s| s.text().contains(text.trim())), "{} is in no pass", path.display());
    }
}
