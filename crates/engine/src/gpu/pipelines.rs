//! The compute pipelines, created when first needed and kept as long as the device.

use super::cache::Cache;
use super::device::Device;
use super::layout::{PartParams, StepParams};
use super::shader::{Pass, Source};
use crate::EngineError;
use std::collections::HashMap;
use std::num::NonZeroU64;
use wgpu::{BindGroupLayout, BindingType, BufferBindingType, ComputePipeline, PipelineLayout, ShaderStages};

/// Bind group layouts and pipelines.
#[derive(Debug)]
pub struct Pipelines {
    /// Group 0 of every pass: parameters of the step, of the dispatch and of the variants.
    pub common: BindGroupLayout,
    /// Group 1 of the passes that route tokens: gate tables, topics, centroids, recorded scores, keys, counts.
    pub tokens: BindGroupLayout,
    /// Group 1 of the passes over biases: biases, keys, counts, step sizes, memory, table of tanh.
    pub biases: BindGroupLayout,
    /// Group 2 of the passes of the order search: the search of every expert with its bins.
    pub order: BindGroupLayout,
    of_tokens: PipelineLayout,
    of_biases: PipelineLayout,
    order_of_tokens: PipelineLayout,
    order_of_biases: PipelineLayout,
    made: HashMap<Pass, ComputePipeline>,
    cache: Option<Cache>,
}

const READ: BufferBindingType = BufferBindingType::Storage { read_only: true };
const WRITE: BufferBindingType = BufferBindingType::Storage { read_only: false };
const UNIFORM: BufferBindingType = BufferBindingType::Uniform;

fn layout(device: &wgpu::Device, label: &str, entries: &[(BufferBindingType, Option<usize>)]) -> BindGroupLayout {
    let entries: Vec<_> = (0u32..)
        .zip(entries)
        .map(|(binding, &(ty, dynamic))| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: ShaderStages::COMPUTE,
            ty: BindingType::Buffer {
                ty,
                has_dynamic_offset: dynamic.is_some(),
                min_binding_size: dynamic.and_then(|size| NonZeroU64::new(size as u64)),
            },
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(label), entries: &entries })
}

/// Compiles a shader.
///
/// # Errors
/// The compiler's message, with the file and the line.
fn compiled(device: &Device, label: &str, source: &Source) -> Result<wgpu::ShaderModule, EngineError> {
    let module = device.device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(label),
        source: wgpu::ShaderSource::Wgsl(source.text().into()),
    });
    device.check().map_err(|refused| {
        let told = pollster::block_on(module.get_compilation_info());
        let is_error = |m: &&wgpu::CompilationMessage| m.message_type == wgpu::CompilationMessageType::Error;
        let Some(error) = told.messages.iter().find(is_error) else { return refused };
        let (file, line) = source.place(error.location.map_or(1, |at| at.line_number as usize));
        // The lines after the first quote the joined text.
        let why = error.message.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
        EngineError::Unsupported(format!("the shader in {file}, line {line}, does not compile: {why}"))
    })?;
    Ok(module)
}

impl Pipelines {
    /// Creates the layouts; pipelines are created by [`Self::make`].
    #[must_use]
    pub fn new(device: &Device, adapter: &wgpu::AdapterInfo) -> Self {
        let device = &device.device;
        let (step, part) = (size_of::<StepParams>(), size_of::<PartParams>());
        let common = layout(device, "common", &[(UNIFORM, Some(step)), (UNIFORM, Some(part)), (READ, None)]);
        let tokens = [UNIFORM, READ, READ, READ, READ, WRITE].map(|ty| (ty, None));
        let tokens = layout(device, "tokens", &tokens);
        let biases = layout(device, "biases", &[WRITE, WRITE, WRITE, READ, WRITE, UNIFORM].map(|ty| (ty, None)));
        let order = layout(device, "order", &[(WRITE, None)]);
        let of = |groups: &[Option<&BindGroupLayout>]| {
            device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: None,
                bind_group_layouts: groups,
                immediate_size: 0,
            })
        };
        let (of_tokens, of_biases) = (of(&[Some(&common), Some(&tokens)]), of(&[Some(&common), Some(&biases)]));
        let order_of_tokens = of(&[Some(&common), Some(&tokens), Some(&order)]);
        let order_of_biases = of(&[Some(&common), Some(&biases), Some(&order)]);
        let (made, cache) = (HashMap::new(), Cache::open(device, adapter));
        Self { common, tokens, biases, order, of_tokens, of_biases, order_of_tokens, order_of_biases, made, cache }
    }

    /// Creates the pipeline of a pass, if it does not exist yet.
    ///
    /// # Errors
    /// The driver's compiler rejects the shader.
    pub fn make(&mut self, device: &Device, pass: Pass) -> Result<(), EngineError> {
        if self.made.contains_key(&pass) {
            return Ok(());
        }
        let module = compiled(device, pass.entry(), &pass.source())?;
        let layout = match pass {
            Pass::Route(_) | Pass::RouteShared(_) | Pass::Moved(_) => &self.of_tokens,
            Pass::Prepare | Pass::Update => &self.of_biases,
            Pass::Digits(_) => &self.order_of_tokens,
            Pass::Begin | Pass::Pick | Pass::Settle => &self.order_of_biases,
        };
        let pipeline = device.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(pass.entry()),
            layout: Some(layout),
            module: &module,
            entry_point: Some(pass.entry()),
            // Zeroing is not needed: every pass writes its workgroup memory before reading it.
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..wgpu::PipelineCompilationOptions::default()
            },
            cache: self.cache.as_ref().map(|c| &c.inner),
        });
        device.check()?;
        self.made.insert(pass, pipeline);
        Ok(())
    }

    /// Saves the compiled pipelines for the next start of the program.
    pub fn keep(&mut self) {
        if let Some(cache) = &mut self.cache {
            cache.keep();
        }
    }

    /// The pipeline of a pass, if it was created.
    #[must_use]
    pub fn get(&self, pass: Pass) -> Option<&ComputePipeline> {
        self.made.get(&pass)
    }
}

#[cfg(test)]
mod tests {
    use super::super::adapter;
    use super::*;
    use crate::gpu::shader::manifest::File;

    #[test]
    fn a_shader_that_does_not_compile_names_its_file_and_line() {
        let all = adapter::list(None);
        let opened = adapter::choose(&all, true).and_then(|(at, _)| Device::open(&all[at]));
        let Some(device) = moebias_testing::or_skip("a wrong shader", opened) else { return };
        let wrong = File { path: "shaders/wrong.wgsl", text: "// Fine.\nfn wrong() -> u32 { return missing; }\n" };
        let source =
            Source::join("// The constants.", [&File { path: "shaders/right.wgsl", text: "// Fine too.\n" }, &wrong]);
        let why = compiled(&device, "wrong", &source).unwrap_err().to_string();
        assert!(why.starts_with("the shader in shaders/wrong.wgsl, line 2, does not compile: "), "{why}");
        assert_eq!(why.lines().count(), 1, "{why}");
    }
}
