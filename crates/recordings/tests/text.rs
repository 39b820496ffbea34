//! What tests of several formats share.

use moebias_recordings::{Data, Input, Layer, ReadError, Reading, Recording};

/// Reads a file that is in memory.
pub fn read(name: &str, content: impl AsRef<[u8]>, reading: &Reading) -> Result<Recording, ReadError> {
    moebias_recordings::read(&Input::memory(name, content.as_ref().to_vec())?, reading)
}

/// The counts of every layer.
pub fn loads(recording: &Recording) -> Vec<(&str, Vec<u64>)> {
    let counts = |layer: &Layer| match &layer.data {
        Data::Loads(counts) => counts.clone(),
        _ => vec![],
    };
    recording.layers.iter().map(|layer| (layer.name.as_str(), counts(layer))).collect()
}

/// The chosen experts of a layer.
pub fn ids(layer: &Layer) -> Vec<i64> {
    let mut out = vec![];
    if let Data::Selections(rows) = &layer.data {
        rows.read(0..rows.len(), &mut out).unwrap();
    }
    out
}

/// The scores of a layer.
pub fn scores(layer: &Layer) -> Vec<f32> {
    let mut out = vec![];
    if let Data::Scores(rows) = &layer.data {
        rows.read(0..rows.len(), &mut out).unwrap();
    }
    out
}

/// All assumptions in one text.
pub fn said(recording: &Recording) -> String {
    recording.assumptions.iter().map(|a| format!("{a}\n")).collect()
}

/// A ZIP archive of stored files.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (vec![], vec![]);
    for (name, content) in files {
        let sizes = [(content.len() as u32).to_le_bytes(); 2].concat();
        let start = (out.len() as u32).to_le_bytes();
        let length = (name.len() as u16).to_le_bytes();
        out.extend([b"PK\x03\x04".as_slice(), &[0; 14], &sizes, &length, &[0; 2], name.as_bytes(), content].concat());
        let head = [b"PK\x01\x02".as_slice(), &[0; 16], &sizes, &length, &[0; 12], &start, name.as_bytes()];
        directory.extend(head.concat());
    }
    let count = (files.len() as u16).to_le_bytes();
    let (size, start) = ((directory.len() as u32).to_le_bytes(), (out.len() as u32).to_le_bytes());
    let end = [b"PK\x05\x06".as_slice(), &[0; 4], &count, &count, &size, &start, &[0; 2]].concat();
    [out, directory, end].concat()
}

/// Random numbers that are the same on every machine (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// Between 0 and 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.unit(), self.unit());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

/// A `.npy` file as NumPy writes it.
pub fn npy(kind: &str, shape: &[usize], numbers: &[u8]) -> Vec<u8> {
    let axes: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let head = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({axes}), }}");
    let head = format!("{head:<117}\n");
    [b"\x93NUMPY\x01\x00\x76\x00".as_slice(), head.as_bytes(), numbers].concat()
}

pub fn single(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect()
}
