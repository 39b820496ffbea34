//! Draws egui's triangles with one pipeline for areas of one colour and one for textures.

use eframe::egui::epaint::textures::{TextureFilter, TextureOptions, TextureWrapMode, TexturesDelta};
use eframe::egui::epaint::{ClippedPrimitive, ImageData, ImageDelta, Mesh, Primitive, Vertex, WHITE_UV};
use eframe::egui::{Rect, TextureId};
use eframe::egui_wgpu::ScreenDescriptor;
use std::collections::HashMap;
use std::ops::Range;

/// A triangle of one colour larger than this many square points is drawn without a texture. For a smaller one, changing the pipeline would
/// cost more than it saves.
const LARGE: f32 = 2000.0;

/// Draws egui's triangles.
pub(super) struct Painter {
    plain: wgpu::RenderPipeline,
    textured: wgpu::RenderPipeline,
    /// The uniform buffer with the window's size, and its bind group.
    size: (wgpu::Buffer, wgpu::BindGroup),
    layout: wgpu::BindGroupLayout,
    samplers: HashMap<TextureOptions, wgpu::Sampler>,
    textures: HashMap<TextureId, Texture>,
    /// Textures that the last frame still showed and that can be freed now.
    leaving: Vec<TextureId>,
    vertices: wgpu::Buffer,
    indices: wgpu::Buffer,
    /// Width and height of the frame, pixels.
    pixels: [u32; 2],
    draws: Vec<Draw>,
}

struct Texture {
    texture: wgpu::Texture,
    options: TextureOptions,
    binding: wgpu::BindGroup,
}

/// Consecutive triangles that are drawn together.
struct Draw {
    /// The clip rectangle in the frame: left, top, width, height, pixels.
    clip: [u32; 4],
    /// `None` where every triangle has one colour.
    texture: Option<TextureId>,
    indices: Range<u32>,
    first_vertex: i32,
}

/// Where a mesh begins in the frame's buffers of indices and vertices.
#[derive(Clone, Copy)]
struct Start {
    index: u32,
    vertex: i32,
}

impl Painter {
    pub(super) fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::include_wgsl!("window.wgsl"));
        let entry = |binding, visibility, ty| wgpu::BindGroupLayoutEntry { binding, visibility, ty, count: None };
        let uniform = wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: None,
        };
        let image = wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: true },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        };
        let sampler = wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering);
        let group = |entries: &[wgpu::BindGroupLayoutEntry]| {
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some("window"), entries })
        };
        let of_window = group(&[entry(0, wgpu::ShaderStages::VERTEX, uniform)]);
        let layout =
            group(&[entry(0, wgpu::ShaderStages::FRAGMENT, image), entry(1, wgpu::ShaderStages::FRAGMENT, sampler)]);
        let pipeline = |fragment: &str, groups: &[Option<&wgpu::BindGroupLayout>]| {
            let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some("window"),
                bind_group_layouts: groups,
                immediate_size: 0,
            });
            pipeline(device, &module, &layout, fragment, format)
        };
        let size = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("window size"),
            size: 16,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let binding = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("window size"),
            layout: &of_window,
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: size.as_entire_binding() }],
        });
        Self {
            plain: pipeline("plain", &[Some(&of_window)]),
            textured: pipeline("textured", &[Some(&of_window), Some(&layout)]),
            size: (size, binding),
            layout,
            samplers: HashMap::new(),
            textures: HashMap::new(),
            leaving: vec![],
            vertices: buffer(device, wgpu::BufferUsages::VERTEX, 1 << 16),
            indices: buffer(device, wgpu::BufferUsages::INDEX, 1 << 16),
            pixels: [1, 1],
            draws: vec![],
        }
    }

    /// Applies the changes to textures, and uploads the triangles of a frame.
    pub(super) fn prepare(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        textures: &mut TexturesDelta,
        primitives: &[ClippedPrimitive],
    ) {
        for id in std::mem::replace(&mut self.leaving, textures.free.drain().collect()) {
            self.textures.remove(&id);
        }
        for (id, deltas) in textures.set.drain() {
            for delta in deltas {
                self.set_texture(device, queue, id, &delta);
            }
        }
        self.pixels = screen.size_in_pixels;
        let [width, height] = self.pixels.map(|n| n as f32 / screen.pixels_per_point);
        queue.write_buffer(&self.size.0, 0, bytemuck::bytes_of(&[width, height, 0.0, 0.0]));

        self.draws.clear();
        let (mut vertices, mut indices): (Vec<Vertex>, Vec<u32>) = (vec![], vec![]);
        for ClippedPrimitive { clip_rect, primitive } in primitives {
            let (Primitive::Mesh(mesh), clip) = (primitive, clip(*clip_rect, screen)) else { continue };
            if clip[2] > 0 && clip[3] > 0 {
                let start = Start { index: indices.len() as u32, vertex: vertices.len() as i32 };
                self.draws.extend(runs(mesh, clip, start));
                vertices.extend_from_slice(&mesh.vertices);
                indices.extend_from_slice(&mesh.indices);
            }
        }
        upload(device, queue, &mut self.vertices, wgpu::BufferUsages::VERTEX, bytemuck::cast_slice(&vertices));
        upload(device, queue, &mut self.indices, wgpu::BufferUsages::INDEX, bytemuck::cast_slice(&indices));
    }

    /// Draws the frame.
    pub(super) fn paint(&self, pass: &mut wgpu::RenderPass<'static>) {
        let [width, height] = self.pixels.map(|n| n as f32);
        pass.set_viewport(0.0, 0.0, width, height, 0.0, 1.0);
        pass.set_vertex_buffer(0, self.vertices.slice(..));
        pass.set_index_buffer(self.indices.slice(..), wgpu::IndexFormat::Uint32);
        for draw in &self.draws {
            let [x, y, width, height] = draw.clip;
            pass.set_scissor_rect(x, y, width, height);
            match draw.texture.map(|id| self.textures.get(&id)) {
                None => pass.set_pipeline(&self.plain),
                Some(Some(texture)) => {
                    pass.set_pipeline(&self.textured);
                    pass.set_bind_group(1, &texture.binding, &[]);
                }
                // The texture is unknown, for example because it was freed; the triangles are left out.
                Some(None) => continue,
            }
            pass.set_bind_group(0, &self.size.1, &[]);
            pass.draw_indexed(draw.indices.clone(), draw.first_vertex, 0..1);
        }
    }

    /// Writes a whole texture or a part of one. A texture that keeps its size is reused.
    fn set_texture(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, id: TextureId, delta: &ImageDelta) {
        let ImageData::Color(image) = &delta.image;
        let [width, height] = image.size.map(|n| n as u32);
        let size = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
        let fits = |t: &Texture| delta.pos.is_some() || [t.texture.width(), t.texture.height()] == [width, height];
        let known = self.textures.remove(&id).filter(fits);
        if known.is_none() && delta.pos.is_some() {
            // A part of a texture that does not exist.
            return;
        }
        let options = delta.options;
        let texture = match known {
            Some(known) if known.options == options => known,
            known => {
                let texture = known.map_or_else(|| image_of(device, size), |known| known.texture);
                let sampler = self.samplers.entry(options).or_insert_with(|| sampler(device, options));
                let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
                let binding = device.create_bind_group(&wgpu::BindGroupDescriptor {
                    label: Some("window"),
                    layout: &self.layout,
                    entries: &[
                        wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&view) },
                        wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::Sampler(sampler) },
                    ],
                });
                Texture { texture, options, binding }
            }
        };
        write(queue, &texture.texture, delta.pos, bytemuck::cast_slice(&image.pixels), size);
        self.textures.insert(id, texture);
    }
}

/// Divides the triangles of a mesh, in their order, into draws: large triangles of one colour apart from all others.
fn runs(mesh: &Mesh, clip: [u32; 4], start: Start) -> Vec<Draw> {
    let mut all: Vec<Draw> = vec![];
    for (at, corners) in (start.index..).step_by(3).zip(mesh.indices.as_chunks::<3>().0) {
        let texture = (!is_large_and_plain(mesh, corners)).then_some(mesh.texture_id);
        match all.last_mut() {
            Some(last) if last.texture == texture => last.indices.end = at + 3,
            _ => all.push(Draw { clip, texture, indices: at..at + 3, first_vertex: start.vertex }),
        }
    }
    all
}

fn is_large_and_plain(mesh: &Mesh, corners: &[u32; 3]) -> bool {
    let [Some(a), Some(b), Some(c)] = corners.map(|i| mesh.vertices.get(i as usize)) else { return false };
    let (u, v) = (b.pos - a.pos, c.pos - a.pos);
    let is_white = mesh.texture_id == TextureId::default() && [a, b, c].iter().all(|x| x.uv == WHITE_UV);
    is_white && (u.x * v.y - u.y * v.x).abs() > 2.0 * LARGE
}

/// Converts a clip rectangle from points to pixels of the frame: left, top, width, height.
fn clip(rect: Rect, screen: &ScreenDescriptor) -> [u32; 4] {
    let [width, height] = screen.size_in_pixels;
    let pixel = |x: f32, most: u32| ((screen.pixels_per_point * x).round() as u32).min(most);
    let (left, top) = (pixel(rect.min.x, width), pixel(rect.min.y, height));
    let (right, bottom) = (pixel(rect.max.x, width), pixel(rect.max.y, height));
    [left, top, right.saturating_sub(left), bottom.saturating_sub(top)]
}

fn pipeline(
    device: &wgpu::Device,
    module: &wgpu::ShaderModule,
    layout: &wgpu::PipelineLayout,
    fragment: &str,
    format: wgpu::TextureFormat,
) -> wgpu::RenderPipeline {
    use wgpu::BlendFactor::{One, OneMinusDstAlpha, OneMinusSrcAlpha};
    let part =
        |src_factor, dst_factor| wgpu::BlendComponent { src_factor, dst_factor, operation: wgpu::BlendOperation::Add };
    // The same blending as egui's.
    let blend = wgpu::BlendState { color: part(One, OneMinusSrcAlpha), alpha: part(OneMinusDstAlpha, One) };
    let attributes = wgpu::vertex_attr_array![0 => Float32x2, 1 => Float32x2, 2 => Unorm8x4];
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("window"),
        layout: Some(layout),
        vertex: wgpu::VertexState {
            module,
            entry_point: Some("corner"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[Some(wgpu::VertexBufferLayout {
                array_stride: size_of::<Vertex>() as u64,
                step_mode: wgpu::VertexStepMode::Vertex,
                attributes: &attributes,
            })],
        },
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some(fragment),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(wgpu::ColorTargetState { format, blend: Some(blend), write_mask: wgpu::ColorWrites::ALL })],
        }),
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        multiview_mask: None,
        cache: None,
    })
}

fn image_of(device: &wgpu::Device, size: wgpu::Extent3d) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: Some("window"),
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    })
}

fn sampler(device: &wgpu::Device, options: TextureOptions) -> wgpu::Sampler {
    let filter = |f: TextureFilter| match f {
        TextureFilter::Nearest => wgpu::FilterMode::Nearest,
        TextureFilter::Linear => wgpu::FilterMode::Linear,
    };
    let beyond = match options.wrap_mode {
        TextureWrapMode::ClampToEdge => wgpu::AddressMode::ClampToEdge,
        TextureWrapMode::Repeat => wgpu::AddressMode::Repeat,
        TextureWrapMode::MirroredRepeat => wgpu::AddressMode::MirrorRepeat,
    };
    device.create_sampler(&wgpu::SamplerDescriptor {
        label: Some("window"),
        mag_filter: filter(options.magnification),
        min_filter: filter(options.minification),
        address_mode_u: beyond,
        address_mode_v: beyond,
        ..Default::default()
    })
}

fn write(queue: &wgpu::Queue, texture: &wgpu::Texture, at: Option<[usize; 2]>, pixels: &[u8], size: wgpu::Extent3d) {
    let [x, y] = at.unwrap_or_default().map(|n| n as u32);
    let to = wgpu::TexelCopyTextureInfo { origin: wgpu::Origin3d { x, y, z: 0 }, ..texture.as_image_copy() };
    let rows = wgpu::TexelCopyBufferLayout {
        offset: 0,
        bytes_per_row: Some(4 * size.width),
        rows_per_image: Some(size.height),
    };
    queue.write_texture(to, pixels, rows, size);
}

fn buffer(device: &wgpu::Device, usage: wgpu::BufferUsages, size: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("window"),
        size,
        usage: usage | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

/// Writes to a buffer, which is replaced by a larger one if it is too small.
fn upload(device: &wgpu::Device, queue: &wgpu::Queue, to: &mut wgpu::Buffer, usage: wgpu::BufferUsages, bytes: &[u8]) {
    if to.size() < bytes.len() as u64 {
        *to = buffer(device, usage, (bytes.len() as u64).next_power_of_two());
    }
    queue.write_buffer(to, 0, bytes);
}
