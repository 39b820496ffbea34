//! Compiled pipelines, kept on disk from one start of the program to the next if the backend supports it (Vulkan): some drivers take long
//! to compile fifty shaders.
//!
//! The cache only saves time. If anything is wrong with its file, the pipelines are compiled as if there were none.

#![allow(unsafe_code)] // wgpu cannot check what a driver makes of a cache; see `open`.

use moebias_disk::{Limit, door, staged};
use moebias_model::digest::Digest;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Sets the folder for caches. Call it once, at the start of the program; without it nothing is saved.
pub fn keep_in(folder: PathBuf) {
    FOLDER.set(folder).ok();
}

/// Far more than fifty compiled shaders need.
const LIMIT: Limit = Limit::new("a pipeline cache", 256 << 20);

/// A cache and its file.
#[derive(Debug)]
pub struct Cache {
    /// The cache that pipelines are created with.
    pub inner: wgpu::PipelineCache,
    file: PathBuf,
    /// The digest of what the file holds, if it is valid.
    kept: Option<u64>,
}

/// The digest of some bytes.
fn digest(bytes: &[u8]) -> u64 {
    let mut all = Digest::default();
    for part in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        all.word(u64::from_le_bytes(word));
    }
    all.word(bytes.len() as u64);
    all.value()
}

/// The content of a cache file, after the eight bytes of its digest. `None` if the file is missing, damaged or not written by us.
fn read(file: &Path) -> Option<Vec<u8>> {
    let mut bytes = door::bytes(file, LIMIT).ok()?;
    let rest = bytes.split_off(8.min(bytes.len()));
    let wanted = u64::from_le_bytes(bytes.try_into().ok()?);
    (digest(&rest) == wanted).then_some(rest)
}

impl Cache {
    /// Opens the cache of an adapter. `None` if the backend has no caches or no folder was set.
    #[must_use]
    pub fn open(device: &wgpu::Device, adapter: &wgpu::AdapterInfo) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let file = FOLDER.get()?.join(wgpu::util::pipeline_cache_key(adapter)?);
        let data = read(&file);
        let kept = data.as_deref().map(digest);
        let descriptor =
            wgpu::PipelineCacheDescriptor { label: Some("pipelines"), data: data.as_deref(), fallback: true };
        // SAFETY: the data, if any, was returned by `get_data` of a cache of the same adapter and driver (their key is the name of the
        // file, and wgpu compares the header), and it is unchanged (its digest matches).
        let inner = unsafe { device.create_pipeline_cache(&descriptor) };
        Some(Self { inner, file, kept })
    }

    /// Writes the file if the cache has changed since it was read or written.
    pub fn keep(&mut self) {
        let Some(data) = self.inner.get_data() else { return };
        let now = digest(&data);
        if self.kept == Some(now) {
            return;
        }
        let write = || -> std::io::Result<()> {
            let folder = self.file.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder)?;
            staged::write(&self.file, &[&now.to_le_bytes()[..], &data].concat())
        };
        match write() {
            Ok(()) => self.kept = Some(now),
            // This costs only time at the next start.
            Err(e) => log::info!("compiled pipelines are not kept: {e}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cache");
        assert_eq!(read(&file), None, "no file");
        let data = b"compiled".to_vec();
        let mut bytes = digest(&data).to_le_bytes().to_vec();
        bytes.extend(&data);
        std::fs::write(&file, &bytes).unwrap();
        assert_eq!(read(&file), Some(data));
        for broken in [&bytes[..bytes.len() - 1], &bytes[..5], &[]] {
            std::fs::write(&file, broken).unwrap();
            assert_eq!(read(&file), None);
        }
        bytes[9] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        assert_eq!(read(&file), None, "one bit");
    }
}
