//! Which adapters there are, which of them is used, and why.

use crate::EngineError;
use wgpu::{Adapter, AdapterInfo, Backend, Backends, DeviceType, DownlevelFlags, Limits};

/// Number of storage buffers per shader stage that the shaders need.
const STORAGE_BUFFERS: u32 = 7;
/// Number of threads per workgroup that the shaders need.
const INVOCATIONS: u32 = 128;
/// Bytes of workgroup memory that the route pass needs for loads and the table of a gate.
const WORKGROUP_BYTES: u32 = 4 * 1024 + 512;
/// Parts of the names of software rasterisers, for drivers that do not report themselves as one.
const SOFTWARE: [&str; 5] = ["llvmpipe", "lavapipe", "softpipe", "swiftshader", "basic render driver"];

/// An adapter and what is known of it.
#[derive(Debug)]
pub struct Found {
    /// The adapter itself.
    pub adapter: Adapter,
    /// Its name, driver and type.
    pub info: AdapterInfo,
    /// Its limits.
    pub limits: Limits,
    /// Why it cannot be used; `None` if it can.
    pub problem: Option<String>,
}

/// Every adapter on these backends, best first. With `None`, the backends are those in the environment variable `WGPU_BACKEND`, or all if
/// it is not set.
#[must_use]
pub fn list(backends: Option<Backends>) -> Vec<Found> {
    let backends = backends.or_else(Backends::from_env).unwrap_or(Backends::all());
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    let instance = wgpu::Instance::new(descriptor);
    let mut all: Vec<Found> =
        pollster::block_on(instance.enumerate_adapters(backends)).into_iter().map(Found::new).collect();
    // The sort is stable, so equal adapters stay in the driver's order.
    all.sort_by_key(Found::rank);
    all
}

impl Found {
    fn new(adapter: Adapter) -> Self {
        let (info, limits) = (adapter.get_info(), adapter.limits());
        let computes = adapter.get_downlevel_capabilities().flags.contains(DownlevelFlags::COMPUTE_SHADERS);
        let short =
            |what: &str, has: u32, needs: u32| (has < needs).then(|| format!("{has} {what} where {needs} are needed"));
        let problem = if computes {
            short("storage buffers per shader", limits.max_storage_buffers_per_shader_stage, STORAGE_BUFFERS)
                .or_else(|| short("threads per workgroup", limits.max_compute_invocations_per_workgroup, INVOCATIONS))
                .or_else(|| {
                    short("bytes of workgroup memory", limits.max_compute_workgroup_storage_size, WORKGROUP_BYTES)
                })
        } else {
            Some("no compute shaders".into())
        };
        Self { adapter, info, limits, problem }
    }

    /// Whether it is a software adapter, which computes on the CPU.
    #[must_use]
    pub fn is_software(&self) -> bool {
        let name = self.info.name.to_lowercase();
        self.info.device_type == DeviceType::Cpu || SOFTWARE.iter().any(|s| name.contains(s))
    }

    /// The kind of adapter, in words.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        if self.is_software() {
            return "software";
        }
        match self.info.device_type {
            DeviceType::DiscreteGpu => "discrete GPU",
            DeviceType::IntegratedGpu => "integrated GPU",
            DeviceType::VirtualGpu => "virtual GPU",
            DeviceType::Other | DeviceType::Cpu => "GPU",
        }
    }

    /// Its name with the backend, such as `NVIDIA H100 (Vulkan)`.
    #[must_use]
    pub fn title(&self) -> String {
        let name = self.info.name.trim();
        let name = if name.is_empty() { "unnamed adapter" } else { name };
        format!("{name} ({})", backend_name(self.info.backend))
    }

    /// The sort key of [`list`]: lower is better.
    fn rank(&self) -> (bool, u8, u8) {
        let kind = match self.info.device_type {
            DeviceType::DiscreteGpu => 0,
            DeviceType::IntegratedGpu => 1,
            DeviceType::VirtualGpu => 2,
            DeviceType::Other | DeviceType::Cpu => 3,
        };
        // One GPU is often listed once per backend; OpenGL is the oldest backend, so it comes last.
        (self.is_software(), kind, u8::from(self.info.backend == Backend::Gl))
    }
}

/// The name of a backend, for display.
#[must_use]
pub fn backend_name(backend: Backend) -> &'static str {
    match backend {
        Backend::Vulkan => "Vulkan",
        Backend::Metal => "Metal",
        Backend::Dx12 => "DirectX 12",
        Backend::Gl => "OpenGL",
        Backend::BrowserWebGpu => "WebGPU",
        Backend::Noop => "no backend",
    }
}

/// The index of the adapter to use, and the reason in one sentence. `all` must be sorted best first, as by [`list`]. Software adapters are
/// used only with `software`.
///
/// # Errors
/// No adapter can be used; the message gives the reason.
pub fn choose(all: &[Found], software: bool) -> Result<(usize, String), EngineError> {
    let able = all.iter().position(|f| f.problem.is_none() && (software || !f.is_software()));
    if let Some(at) = able {
        let found = &all[at];
        let others = all.iter().enumerate().any(|(i, f)| i != at && f.is_software() == found.is_software());
        let reason = match (found.is_software(), others) {
            (true, _) => "a GPU was asked for and there is only a software one, slower than the CPU engine".into(),
            (false, true) => format!("the first {} that can compute", found.kind()),
            (false, false) => format!("the only {}", found.kind()),
        };
        return Ok((at, reason));
    }
    let unable = all.iter().find(|f| !f.is_software());
    Err(EngineError::Unavailable(match (unable, all.first()) {
        (Some(f), _) => format!("{} can't be used: {}", f.title(), f.problem.as_deref().unwrap_or("it can't compute")),
        (None, Some(f)) if software => {
            format!("{} can't be used: {}", f.title(), f.problem.as_deref().unwrap_or("it can't compute"))
        }
        (None, Some(f)) => {
            format!("the only adapter is {}, a software rasteriser: the CPU engine is faster", f.title())
        }
        (None, None) => match std::env::var("WGPU_BACKEND") {
            Ok(name) if !name.is_empty() => format!("there is no GPU on {name}, the backend that WGPU_BACKEND names"),
            _ => "there is no GPU, or no driver for it".into(),
        },
    }))
}
