//! Arrow streams, and Arrow files, which are streams between two marks. Batches are read one after another, up to where a killed writer
//! stopped.

use super::Format;
use crate::error::ReadError;
use crate::recording::Recording;
use crate::{Input, Reading};

/// Arrow's inter-process format.
pub(super) struct Arrow;

impl Format for Arrow {
    fn name(&self) -> &'static str {
        "Arrow"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["arrow", "feather"]
    }

    fn recognises(&self, input: &Input) -> bool {
        let first = input.first();
        first.starts_with(b"ARROW1") || first.starts_with(b"FEA1") || first.starts_with(&[0xff; 4])
    }

    fn read(&self, input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
        if input.first().starts_with(b"FEA1") {
            return Err(input.wrong("it is a Feather file of version 1, but only version 2 is read"));
        }
        table::read(input, reading)
    }
}

#[cfg(not(feature = "parquet"))]
mod table {
    use super::{Input, ReadError, Reading, Recording};

    pub(super) fn read(input: &Input, _: &Reading) -> Result<Recording, ReadError> {
        Err(input
            .wrong("it is an Arrow file, which this build of Moebias does not read: it lacks the feature `parquet`"))
    }
}

#[cfg(feature = "parquet")]
mod table {
    use super::super::columns::{Columns, contained};
    use super::{Input, ReadError, Reading, Recording};
    use crate::bytes::Bytes;
    use arrow_array::ArrayRef;
    use arrow_buffer::Buffer;
    use arrow_ipc::convert::try_fb_to_schema;
    use arrow_ipc::reader::{read_dictionary, read_record_batch};
    use arrow_ipc::{Message, RecordBatch, root_as_footer, root_as_message};
    use arrow_schema::{ArrowError, SchemaRef};
    use std::collections::HashMap;
    use std::sync::Arc;

    /// The longest description of a batch or of a file, in bytes.
    const DESCRIPTION: u64 = 16 << 20;
    /// The largest batch, before and after unpacking, in bytes.
    const BATCH: u64 = 512 << 20;
    /// What a file begins and ends with.
    const MARK: &[u8] = b"ARROW1";

    pub(super) fn read(input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
        let bytes = input.bytes()?;
        contained(input, || {
            let mut table = Table { reading, schema: None, dictionaries: HashMap::new(), columns: None };
            let damaged = |e: String| input.wrong(format!("it is damaged: {e}"));
            let is_file = input.first().starts_with(MARK);
            let torn = match footer(&bytes).filter(|_| is_file) {
                Some((schema, places)) => {
                    table.start(schema).map_err(|e| input.wrong(e))?;
                    table.blocks(&bytes, &places)
                }
                // A file whose writer was killed has no description at its end, but is a stream.
                None => table.stream(&bytes, if is_file { 8 } else { 0 }),
            };
            let damage = match torn {
                Ok(()) => None,
                Err(Unread::Torn) if table.columns.is_some() => {
                    Some("the last batch is torn: it is left out".to_owned())
                }
                Err(Unread::Torn) => return Err(input.wrong("it ends too early")),
                Err(Unread::Damaged(e)) => return Err(damaged(e)),
                Err(Unread::Refused(e)) => return Err(input.wrong(e)),
            };
            let columns = table.columns.ok_or_else(|| damaged("it has no schema".into()))?;
            let mut recording = columns.finish(input)?;
            recording.damages.extend(damage);
            Ok(recording)
        })
    }

    /// What has been read so far.
    struct Table<'a> {
        reading: &'a Reading,
        schema: Option<SchemaRef>,
        dictionaries: HashMap<i64, ArrayRef>,
        columns: Option<Columns>,
    }

    impl Table<'_> {
        fn start(&mut self, schema: SchemaRef) -> Result<(), String> {
            self.columns = Some(Columns::new(&schema, self.reading)?);
            self.schema = Some(schema);
            Ok(())
        }

        /// Reads the messages of a stream.
        fn stream(&mut self, bytes: &Bytes, mut at: u64) -> Result<(), Unread> {
            while let Some(message) = message(bytes, at)? {
                at = message.end;
                self.take(message)?;
            }
            Ok(())
        }

        /// Reads the messages of a file, in the order of the footer.
        fn blocks(&mut self, bytes: &Bytes, places: &[i64]) -> Result<(), Unread> {
            let mut end = 0;
            for &place in places {
                let at = u64::try_from(place).ok().filter(|&at| at >= end);
                let at = at.ok_or_else(|| Unread::Damaged("its batches overlap".into()))?;
                let message = message(bytes, at)?.ok_or_else(|| Unread::Damaged("a batch is missing".into()))?;
                end = message.end;
                self.take(message)?;
            }
            Ok(())
        }

        fn take(&mut self, whole: Whole) -> Result<(), Unread> {
            let message = root_as_message(&whole.description).map_err(damaged)?;
            let version = message.version();
            if let Some(schema) = message.header_as_schema().filter(|_| self.schema.is_none()) {
                return self.start(Arc::new(try_fb_to_schema(schema).map_err(damaged)?)).map_err(Unread::Refused);
            }
            let (Some(schema), Some(columns)) = (&self.schema, &mut self.columns) else {
                return Err(damaged("a batch comes before the schema"));
            };
            let body = Buffer::from(whole.body);
            if let Some(batch) = message.header_as_dictionary_batch() {
                return read_dictionary(&body, batch, schema, &mut self.dictionaries, &version).map_err(damaged);
            }
            let Some(batch) = message.header_as_record_batch() else { return Ok(()) };
            let batch: Result<_, ArrowError> =
                read_record_batch(&body, batch, schema.clone(), &self.dictionaries, None, &version);
            columns.take(&batch.map_err(damaged)?).map_err(Unread::Refused)
        }
    }

    /// The schema and the offsets of the batches from the footer of a file; dictionaries come first.
    fn footer(bytes: &Bytes) -> Option<(SchemaRef, Vec<i64>)> {
        let at = bytes.len().checked_sub(10)?;
        let end = bytes.copy(at, 10).ok()?;
        let length = u64::from(u32::from_le_bytes(*end.first_chunk()?));
        if !end.ends_with(MARK) || length > DESCRIPTION {
            return None;
        }
        let footer = bytes.copy(at.checked_sub(length)?, length as usize).ok()?;
        let footer = root_as_footer(&footer).ok()?;
        let schema = try_fb_to_schema(footer.schema()?).ok()?;
        let mut dictionaries: Vec<i64> =
            footer.dictionaries().into_iter().flatten().map(arrow_ipc::Block::offset).collect();
        let batches: Vec<i64> = footer.recordBatches().into_iter().flatten().map(arrow_ipc::Block::offset).collect();
        // Writers differ in where they put dictionaries; each dictionary is needed before the batches behind it.
        dictionaries.extend(batches);
        dictionaries.sort_unstable();
        Some((Arc::new(schema), dictionaries))
    }

    /// Why a message was not read.
    enum Unread {
        Torn,
        Damaged(String),
        Refused(String),
    }

    #[allow(clippy::needless_pass_by_value)]
    fn damaged(error: impl ToString) -> Unread {
        Unread::Damaged(error.to_string())
    }

    /// The error for a message that is cut short.
    #[allow(clippy::needless_pass_by_value)]
    fn torn(error: std::io::Error) -> Unread {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Unread::Torn,
            _ => Unread::Damaged(error.to_string()),
        }
    }

    /// A message with its content.
    struct Whole {
        description: Vec<u8>,
        body: Vec<u8>,
        /// The offset behind it.
        end: u64,
    }

    /// The message at an offset; `None` at the end. Its claimed lengths are checked before memory is allocated.
    fn message(bytes: &Bytes, at: u64) -> Result<Option<Whole>, Unread> {
        let word = |at: u64| {
            let mut word = [0; 4];
            bytes.read(at, &mut word).map_err(torn)?;
            Ok(u32::from_le_bytes(word))
        };
        if at >= bytes.len() {
            return Ok(None);
        }
        // Before version 0.15 there was no mark before the length.
        let first = word(at)?;
        let (length, prefix) = if first == u32::MAX { (u64::from(word(at + 4)?), 8) } else { (u64::from(first), 4) };
        if length == 0 {
            return Ok(None);
        }
        if length > DESCRIPTION {
            return Err(Unread::Damaged(format!("the description of a batch is {length} bytes long")));
        }
        let described = bytes.copy(at + prefix, length as usize).map_err(torn)?;
        let parsed = root_as_message(&described).map_err(|e| Unread::Damaged(e.to_string()))?;
        let body = u64::try_from(parsed.bodyLength()).map_err(damaged)?;
        if body > BATCH {
            let what = format!("a batch is {body} bytes long, but at most {BATCH} are read: write smaller batches");
            return Err(Unread::Damaged(what));
        }
        let content = bytes.copy(at + prefix + length, body as usize).map_err(torn)?;
        check(&parsed, &content).map_err(Unread::Damaged)?;
        Ok(Some(Whole { description: described, body: content, end: at + prefix + length + body }))
    }

    /// An error if a batch claims to be larger than what it holds.
    fn check(message: &Message<'_>, content: &[u8]) -> Result<(), String> {
        let batch: Option<RecordBatch<'_>> =
            message.header_as_record_batch().or_else(|| message.header_as_dictionary_batch()?.data());
        let Some(batch) = batch else { return Ok(()) };
        let packed = batch.compression().is_some();
        let mut unpacked = 0u64;
        for buffer in batch.buffers().into_iter().flatten() {
            let range = usize::try_from(buffer.offset()).ok().zip(usize::try_from(buffer.length()).ok());
            let range = range.and_then(|(from, length)| Some(from..from.checked_add(length)?));
            let held = range.and_then(|range| content.get(range)).ok_or("a column lies outside its batch")?;
            let claimed = match held.first_chunk() {
                Some(length) if packed => i64::from_le_bytes(*length),
                _ => -1,
            };
            // −1 stands for a column that is not packed.
            let size = if claimed == -1 { Ok(held.len() as u64) } else { u64::try_from(claimed) };
            unpacked = unpacked.saturating_add(size.map_err(|e| format!("the length of a column: {e}"))?);
        }
        if unpacked > BATCH {
            return Err(format!("a batch is {unpacked} bytes long when unpacked, but at most {BATCH} are read"));
        }
        // No column has more than eight values per byte.
        let rows = u64::try_from(batch.length()).map_err(|e| format!("the length of a batch: {e}"))?;
        let longest = batch.nodes().into_iter().flatten().map(|n| u64::try_from(n.length()).unwrap_or(u64::MAX)).max();
        if rows.max(longest.unwrap_or(0)) > 8 * unpacked + 1024 {
            return Err(format!("a batch of {unpacked} bytes claims to have {rows} rows"));
        }
        Ok(())
    }
}
