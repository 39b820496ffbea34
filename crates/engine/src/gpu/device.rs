//! A wgpu device of the engine's own, never the window's: it survives a lost window, and losing it does not harm the window.
//!
//! No failure of a driver may cause a panic. wgpu's two callbacks record what went wrong, and the next check returns it as an
//! [`EngineError`].

use super::adapter::Found;
use crate::EngineError;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;
use wgpu::{DeviceLostReason, Features, Limits, PollError, PollType};

/// The longest time to wait for a submission; only a driver that hangs takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A recorded failure.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    Lost(String),
    Memory,
    Refused(String),
}

/// An open device and the failure recorded for it, if any.
#[derive(Debug)]
pub struct Device {
    /// The device.
    pub device: wgpu::Device,
    /// Its queue.
    pub queue: wgpu::Queue,
    /// The limits it was opened with.
    pub limits: Limits,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl Fault {
    /// How serious the failure is.
    fn weight(&self) -> u8 {
        match self {
            Self::Refused(_) => 0,
            Self::Memory => 1,
            Self::Lost(_) => 2,
        }
    }
}

/// Records a failure, keeping the most serious one; among equally serious ones the first, which caused the others.
fn note(slot: &Mutex<Option<Fault>>, fault: Fault) {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    let worse = slot.as_ref().is_none_or(|known| fault.weight() > known.weight());
    if worse {
        *slot = Some(fault);
    }
}

/// The last line of an error message of wgpu, which has several lines and states the actual cause last.
fn last_line(text: &str) -> String {
    text.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or("no reason given").to_owned()
}

impl Device {
    /// Opens an adapter with the default limits, or with its own if it offers less (OpenGL).
    ///
    /// # Errors
    /// The driver could not open it.
    pub fn open(found: &Found) -> Result<Self, EngineError> {
        let wanted = Limits::default();
        let limits = if wanted.check_limits(&found.limits) { wanted } else { found.limits.clone() };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("Moebias engine"),
            required_limits: limits.clone(),
            required_features: found.adapter.features() & (Features::TIMESTAMP_QUERY | Features::PIPELINE_CACHE),
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = pollster::block_on(found.adapter.request_device(&descriptor)).map_err(|e| {
            EngineError::Unavailable(format!("{} would not open: {}", found.title(), last_line(&e.to_string())))
        })?;
        let fault = Arc::new(Mutex::new(None));
        let on_loss = Arc::clone(&fault);
        device.set_device_lost_callback(move |reason, message| {
            let why = match reason {
                DeviceLostReason::Destroyed => "the device was destroyed".into(),
                DeviceLostReason::Unknown => last_line(&message),
            };
            note(&on_loss, Fault::Lost(why));
        });
        let on_error = Arc::clone(&fault);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            log::error!("wgpu: {error}");
            note(
                &on_error,
                match error {
                    wgpu::Error::OutOfMemory { .. } => Fault::Memory,
                    wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
                        Fault::Refused(last_line(&description))
                    }
                },
            );
        }));
        Ok(Self { device, queue, limits, fault })
    }

    /// Whether no failure was recorded.
    ///
    /// # Errors
    /// The recorded failure. A loss of the device is permanent; any other failure is returned once.
    pub fn check(&self) -> Result<(), EngineError> {
        let mut slot = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        match slot.clone() {
            None => Ok(()),
            Some(Fault::Lost(why)) => Err(EngineError::Lost(why)),
            Some(Fault::Memory) => {
                *slot = None;
                Err(EngineError::Unsupported("the GPU has not enough memory for this experiment".into()))
            }
            Some(Fault::Refused(why)) => {
                *slot = None;
                Err(EngineError::Unsupported(format!("the GPU's driver refused the work: {why}")))
            }
        }
    }

    /// Waits until all submitted work is done.
    ///
    /// # Errors
    /// A failure recorded meanwhile, or the GPU did not answer in time.
    pub fn wait(&self) -> Result<(), EngineError> {
        match self.device.poll(PollType::Wait { submission_index: None, timeout: Some(PATIENCE) }) {
            Ok(_) => self.check(),
            Err(PollError::Timeout) => {
                self.check()?;
                Err(self.lost(&format!("no answer for {} seconds", PATIENCE.as_secs())))
            }
            Err(e) => {
                self.check()?;
                Err(self.lost(&e.to_string()))
            }
        }
    }

    /// Waits until all submitted work is done, then passes the first `bytes` bytes of a mappable buffer to `take` as words.
    ///
    /// # Errors
    /// A failure recorded meanwhile, or the buffer could not be read.
    pub fn read<R>(&self, buffer: &wgpu::Buffer, bytes: u64, take: impl FnOnce(&[u32]) -> R) -> Result<R, EngineError> {
        let (tell, told) = mpsc::channel();
        buffer.map_async(wgpu::MapMode::Read, 0..bytes, move |outcome| {
            tell.send(outcome).ok();
        });
        self.wait()?;
        match told.try_recv() {
            Ok(Ok(())) => {}
            Ok(Err(e)) => return Err(self.lost(&e.to_string())),
            Err(_) => return Err(self.lost("the results never came")),
        }
        let out = match buffer.get_mapped_range(0..bytes) {
            Ok(view) => bytemuck::try_cast_slice(&view).map(take).map_err(|e| self.lost(&e.to_string())),
            Err(e) => Err(self.lost(&e.to_string())),
        };
        buffer.unmap();
        out
    }

    fn lost(&self, why: &str) -> EngineError {
        note(&self.fault, Fault::Lost(why.into()));
        EngineError::Lost(why.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_fault_is_kept() {
        let slot = Mutex::new(None);
        note(&slot, Fault::Refused("a".into()));
        note(&slot, Fault::Refused("follows from a".into()));
        assert_eq!(*slot.lock().unwrap(), Some(Fault::Refused("a".into())));
        note(&slot, Fault::Lost("b".into()));
        note(&slot, Fault::Memory);
        assert_eq!(*slot.lock().unwrap(), Some(Fault::Lost("b".into())));
        assert_eq!(last_line("In a call\n  caused by:\n    too large\n\n"), "too large");
    }
}
