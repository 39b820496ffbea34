//! llama.cpp's importance matrices in GGUF: beside the sums needed for quantisation they contain the number of tokens of each expert.

use super::Format;
use crate::assumption::{Assumption, Question};
use crate::bytes::{Bytes, Reader};
use crate::error::ReadError;
use crate::gather::Gather;
use crate::meta::Meta;
use crate::names::layer_of;
use crate::recording::Recording;
use crate::rows::{Number, Rows};
use crate::{Input, Reading};
use moebias_model::config::limits as settings;
use std::collections::BTreeMap;
use std::io::{BufReader, Read};

/// The largest number of metadata entries, and of tensors.
const ENTRIES: u64 = 1 << 16;
/// The longest text that is kept, in bytes.
const TEXT: u64 = 1 << 16;
/// The largest header, in bytes.
const HEADER: u64 = 64 << 20;
/// Type codes of metadata values.
const STRING: u32 = 8;
const ARRAY: u32 = 9;
/// The type code of tensors of 32-bit floats.
const F32: u32 = 0;
/// The suffix of the names of counts.
const COUNTS: &str = ".weight.counts";

/// Importance matrices.
pub(super) struct Gguf;

impl Format for Gguf {
    fn name(&self) -> &'static str {
        "llama.cpp imatrix"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["gguf", "imatrix"]
    }

    fn recognises(&self, input: &Input) -> bool {
        input.first().starts_with(b"GGUF") || input.ends_with(&[".gguf"]) || is_old(input)
    }

    fn read(&self, input: &Input, _reading: &Reading) -> Result<Recording, ReadError> {
        if is_old(input) {
            return Err(input.wrong(
                "it is an importance matrix in llama.cpp's old format, which does not hold how many tokens each expert got: write it with \
                 --output-format gguf",
            ));
        }
        let bytes = input.bytes()?;
        let file = File::read(bytes).map_err(|e| input.wrong(e))?;
        if file.metadata.get("general.type").is_none_or(|kind| kind != "imatrix") {
            let text = "it is a GGUF file, but no importance matrix: a model does not say where tokens go. llama-imatrix records that";
            return Err(input.wrong(text));
        }
        file.recording(input)
    }
}

/// The old format begins with a number of entries, and each with the length of its name.
fn is_old(input: &Input) -> bool {
    let Some(&[a, b, c, d, e, f, g, h]) = input.first().first_chunk() else { return false };
    let (entries, length) = (i32::from_le_bytes([a, b, c, d]), i32::from_le_bytes([e, f, g, h]));
    let name = usize::try_from(length).ok().filter(|&n| n < 256).and_then(|n| input.first().get(8..8 + n));
    entries > 0 && name.is_some_and(|name| name.starts_with(b"blk.") || name == b"output.weight")
}

/// The header of a file.
struct File {
    bytes: Bytes,
    metadata: BTreeMap<String, String>,
    tensors: Vec<Entry>,
    /// The offset of the first tensor.
    data: u64,
}

/// A tensor.
struct Entry {
    name: String,
    /// The number of elements, and the length of the last axis.
    elements: u64,
    outer: u64,
    kind: u32,
    offset: u64,
}

impl File {
    fn read(bytes: Bytes) -> Result<Self, String> {
        let mut header = Header { from: BufReader::new(bytes.reader(0)), used: 0 };
        if header.take::<4>()? != *b"GGUF" {
            return Err("it is no GGUF file".into());
        }
        let version = header.u32()?;
        if !(2..=3).contains(&version) {
            return Err(format!("it is a GGUF file of version {version}, but only 2 and 3 are read"));
        }
        let (count, entries) = (header.u64()?, header.u64()?);
        if count > ENTRIES || entries > ENTRIES {
            return Err(format!("it has {count} tensors and {entries} entries, but at most {ENTRIES} are read"));
        }
        let mut metadata = BTreeMap::new();
        for _ in 0..entries {
            let key = header.text()?;
            let kind = header.u32()?;
            if let Some(value) = header.value(kind)? {
                metadata.insert(key, value);
            }
        }
        let mut tensors = vec![];
        for _ in 0..count {
            let name = header.text()?;
            let axes = header.u32()?;
            if axes > 8 {
                return Err(format!("`{name}` has {axes} axes"));
            }
            let (mut elements, mut outer) = (1_u64, 1);
            for _ in 0..axes {
                outer = header.u64()?;
                elements = elements.checked_mul(outer).ok_or_else(|| format!("`{name}` is too large"))?;
            }
            tensors.push(Entry { name, elements, outer, kind: header.u32()?, offset: header.u64()? });
        }
        let alignment = metadata.get("general.alignment").and_then(|a| a.parse().ok()).filter(|&a| a > 0);
        let data = header.used.checked_next_multiple_of(alignment.unwrap_or(32)).ok_or("its alignment is too large")?;
        Ok(Self { bytes, metadata, tensors, data })
    }

    fn counts(&self, entry: &Entry) -> Result<Vec<f64>, String> {
        let name = &entry.name;
        if entry.kind != F32 {
            return Err(format!("`{name}` is no tensor of 32-bit floats"));
        }
        let outside = || format!("`{name}` lies outside the file");
        let start = self.data.checked_add(entry.offset).ok_or_else(outside)?;
        let content = self.bytes.copy(start, 4 * entry.elements as usize).map_err(|_e| outside())?;
        let mut counts = vec![];
        let rows = Rows::of_memory(1, Number::F32, content);
        rows.read(0..rows.len(), &mut counts).map_err(|e| format!("`{name}` can't be read: {e}"))?;
        Ok(counts)
    }

    fn recording(self, input: &Input) -> Result<Recording, ReadError> {
        let wrong = |text: String| input.wrong(text);
        // By layer, in the order gate, up, down.
        let mut layers: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
        for entry in &self.tensors {
            let experts = entry.name.ends_with(COUNTS) && entry.name.contains("_exps");
            if let (true, Some(layer)) = (experts, layer_of(&entry.name)) {
                if entry.outer != entry.elements || entry.elements > settings::EXPERTS.max as u64 {
                    return Err(wrong(format!("`{}` does not hold one count per expert", entry.name)));
                }
                layers.entry(layer).or_default().push(entry);
            }
        }
        // A matrix converted from the old format has a single count for all experts.
        layers.values_mut().for_each(|entries| entries.retain(|entry| entry.elements > 1));
        let (mut gather, mut several, mut differ) = (Gather::default(), false, false);
        for (layer, entries) in &mut layers {
            let rank = |entry: &&Entry| ["gate", "up", "down"].iter().position(|word| entry.name.contains(word));
            entries.sort_by_key(|entry| rank(entry).unwrap_or(usize::MAX));
            let Some((first, others)) = entries.split_first() else { continue };
            let counts = self.counts(first).map_err(wrong)?;
            for other in others {
                several = true;
                differ |= self.counts(other).map_err(wrong)? != counts;
            }
            for (expert, count) in counts.into_iter().enumerate() {
                if !(0.0..1.8e19).contains(&count) {
                    return Err(wrong(format!("`{}` holds {count} for expert {expert}", first.name)));
                }
                gather.counted(layer, 0, expert as i64, count.round() as u64).map_err(wrong)?;
            }
        }
        if gather.is_empty() {
            let text = "it is an importance matrix without counts of experts: its model has none, or it was made from an old file";
            return Err(input.wrong(text));
        }
        let mut recording = gather.finish(input, Meta::of(&self.metadata), self.metadata)?;
        if several {
            let text = "each layer counts its tokens at its gate, up and down projections: the first of them is taken";
            let note = if differ { Assumption::open } else { Assumption::usual };
            recording
                .assumptions
                .push(note(Question::Values, format!("{text}{}", if differ { ", though they differ" } else { "" })));
        }
        Ok(recording)
    }
}

/// Reads a header sequentially.
struct Header {
    from: BufReader<Reader>,
    used: u64,
}

impl Header {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.count(N as u64)?;
        self.from.read_exact(&mut bytes).map_err(|e| format!("its header can't be read: {e}"))?;
        Ok(bytes)
    }

    fn count(&mut self, bytes: u64) -> Result<(), String> {
        self.used = self.used.saturating_add(bytes);
        if self.used > HEADER { Err(format!("its header is longer than {} MiB", HEADER >> 20)) } else { Ok(()) }
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    fn skip(&mut self, bytes: u64) -> Result<(), String> {
        self.count(bytes)?;
        self.from.seek_relative(bytes as i64).map_err(|e| format!("its header can't be read: {e}"))
    }

    fn text(&mut self) -> Result<String, String> {
        let length = self.u64()?;
        if length > TEXT {
            return Err(format!("its header holds a text of {length} bytes, but at most {TEXT} are read"));
        }
        self.count(length)?;
        let mut text = vec![0; length as usize];
        self.from.read_exact(&mut text).map_err(|e| format!("its header can't be read: {e}"))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// A value as text; `None` for a list, which is skipped.
    fn value(&mut self, kind: u32) -> Result<Option<String>, String> {
        Ok(Some(match kind {
            0 => u8::from_le_bytes(self.take()?).to_string(),
            1 => i8::from_le_bytes(self.take()?).to_string(),
            2 => u16::from_le_bytes(self.take()?).to_string(),
            3 => i16::from_le_bytes(self.take()?).to_string(),
            4 => self.u32()?.to_string(),
            5 => i32::from_le_bytes(self.take()?).to_string(),
            6 => f32::from_le_bytes(self.take()?).to_string(),
            7 => (self.take::<1>()? != [0]).to_string(),
            STRING => self.text()?,
            ARRAY => {
                let (kind, length) = (self.u32()?, self.u64()?);
                match kind {
                    0 | 1 | 7 => self.skip(length)?,
                    2 | 3 => self.skip(length.saturating_mul(2))?,
                    4..=6 => self.skip(length.saturating_mul(4))?,
                    10..=12 => self.skip(length.saturating_mul(8))?,
                    STRING => {
                        for _ in 0..length {
                            let text = self.u64()?;
                            self.skip(text)?;
                        }
                    }
                    other => return Err(format!("its header holds a list of values of kind {other}")),
                }
                return Ok(None);
            }
            10 => self.u64()?.to_string(),
            11 => i64::from_le_bytes(self.take()?).to_string(),
            12 => f64::from_le_bytes(self.take()?).to_string(),
            other => return Err(format!("its header holds a value of kind {other}")),
        }))
    }
}
