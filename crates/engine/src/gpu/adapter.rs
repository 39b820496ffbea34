//! Which adapters there are, which one is used, and why.

use crate::EngineError;
use wgpu::{Adapter, AdapterInfo, Backend, Backends, DeviceType, DownlevelFlags, Limits};

/// Storage buffers that a shader stage must take.
const STORAGE_BUFFERS: u32 = 7;
/// Threads that a workgroup must take.
const INVOCATIONS: u32 = 128;
/// Bytes of workgroup memory that the route pass needs: loads and a gate's table.
const WORKGROUP_BYTES: u32 = 4 * 1024 + 512;
/// How software rasterisers call themselves, where the driver does not say that it is one.
const SOFTWARE: [&str; 5] = ["llvmpipe", "lavapipe", "softpipe", "swiftshader", "basic render driver"];

/// One adapter.
#[derive(Debug)]
pub struct Found {
    /// To open it with.
    pub adapter: Adapter,
    /// Name, driver and so on.
    pub info: AdapterInfo,
    /// What it offers.
    pub limits: Limits,
    /// Why it cannot compute, if it cannot.
    pub problem: Option<String>,
}

/// Every adapter on these backends, best first. The backends that `WGPU_BACKEND` names, where it is set, are the only ones asked
/// when `backends` is `None`.
#[must_use]
pub fn list(backends: Option<Backends>) -> Vec<Found> {
    let backends = backends.or_else(Backends::from_env).unwrap_or(Backends::all());
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    let instance = wgpu::Instance::new(descriptor);
    let mut all: Vec<Found> =
        pollster::block_on(instance.enumerate_adapters(backends)).into_iter().map(Found::new).collect();
    // Stable: among equals, the driver's own order.
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

    /// Whether it computes on the CPU.
    #[must_use]
    pub fn is_software(&self) -> bool {
        let name = self.info.name.to_lowercase();
        self.info.device_type == DeviceType::Cpu || SOFTWARE.iter().any(|s| name.contains(s))
    }

    /// What kind of adapter it is, in words.
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

    /// Its name with the backend, as `NVIDIA H100 (Vulkan)`.
    #[must_use]
    pub fn title(&self) -> String {
        let name = self.info.name.trim();
        let name = if name.is_empty() { "unnamed adapter" } else { name };
        format!("{name} ({})", backend_name(self.info.backend))
    }

    /// Lower is better.
    fn rank(&self) -> (bool, u8, u8) {
        let kind = match self.info.device_type {
            DeviceType::DiscreteGpu => 0,
            DeviceType::IntegratedGpu => 1,
            DeviceType::VirtualGpu => 2,
            DeviceType::Other | DeviceType::Cpu => 3,
        };
        // One GPU often shows up on several backends; OpenGL is the oldest of them.
        (self.is_software(), kind, u8::from(self.info.backend == Backend::Gl))
    }
}

/// A backend's name for people.
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

/// The place of the adapter to use and the reason, in one sentence each way. `all` is best first, as [`list`] makes it.
///
/// # Errors
/// None can be used; says why.
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
