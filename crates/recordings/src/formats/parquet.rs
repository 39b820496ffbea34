//! Parquet: tables in row groups, which are read one after another, a few rows at a time.

use super::Format;
use crate::error::ReadError;
use crate::recording::Recording;
use crate::{Input, Reading};

/// Parquet.
pub(super) struct Parquet;

impl Format for Parquet {
    fn name(&self) -> &'static str {
        "Parquet"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["parquet"]
    }

    fn recognises(&self, input: &Input) -> bool {
        input.first().starts_with(b"PAR1") || input.first().starts_with(b"PARE")
    }

    fn read(&self, input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
        if input.first().starts_with(b"PARE") {
            return Err(input.wrong("it is an encrypted Parquet file"));
        }
        table::read(input, reading)
    }
}

#[cfg(not(feature = "parquet"))]
mod table {
    use super::{Input, ReadError, Reading, Recording};

    pub(super) fn read(input: &Input, _: &Reading) -> Result<Recording, ReadError> {
        Err(input
            .wrong("it is a Parquet file, which this build of Moebias does not read: it lacks the feature `parquet`"))
    }
}

#[cfg(feature = "parquet")]
mod table {
    use super::super::columns::{Columns, ROWS, contained};
    use super::{Input, ReadError, Reading, Recording};
    use crate::bytes::{Bytes, Reader};
    use crate::limits;
    use parquet::arrow::ProjectionMask;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::errors::ParquetError;
    use parquet::file::reader::{ChunkReader, Length};
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The largest footer, which describes the row groups, in bytes.
    const FOOTER: u64 = 16 << 20;
    /// The longest page after unpacking, in bytes.
    const PAGE: u64 = 256 << 20;
    /// The largest number of values in the pages that are read for a few rows.
    const VALUES: u64 = 1 << 25;

    pub(super) fn read(input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
        let bytes = input.bytes()?;
        let footer = bytes.len().checked_sub(8).and_then(|at| bytes.copy(at, 8).ok()).unwrap_or_default();
        match footer.split_first_chunk() {
            Some((length, b"PAR1")) if u64::from(u32::from_le_bytes(*length)) <= FOOTER => {}
            Some((_, b"PAR1")) => return Err(input.wrong(format!("its footer is longer than {FOOTER} bytes"))),
            _ => return Err(input.wrong("it ends too early: a Parquet file is described at its end")),
        }
        contained(input, || rows(input, bytes, reading))
    }

    fn rows(input: &Input, bytes: Bytes, reading: &Reading) -> Result<Recording, ReadError> {
        let damaged = |e: &dyn std::fmt::Display| input.wrong(format!("it is damaged: {e}"));
        let pages = Pages { bytes, values: AtomicU64::new(0).into() };
        let values = pages.values.clone();
        let builder = ParquetRecordBatchReaderBuilder::try_new(pages).map_err(|e| damaged(&e))?;
        let mut columns = Columns::new(builder.schema(), reading).map_err(|e| input.wrong(e))?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns.needed.iter().copied());
        let of_group = |group: &parquet::file::metadata::RowGroupMetaData| {
            let leaves = (0..group.num_columns()).filter(|&leaf| mask.leaf_included(leaf));
            leaves.map(|leaf| group.column(leaf).num_values().max(0) as u64).sum::<u64>()
        };
        // An expert's number takes 2 bytes, a score 4.
        let held: u64 = builder.metadata().row_groups().iter().map(of_group).fold(0, u64::saturating_add);
        if held.saturating_mul(2) > limits::IN_MEMORY as u64 {
            let most = limits::IN_MEMORY >> 20;
            let what = format!(
                "it holds {held} values, more than fit into {most} MiB: a part of it, or safetensors, can be read"
            );
            return Err(input.wrong(what));
        }
        let rows = builder.with_projection(mask).with_batch_size(ROWS).build().map_err(|e| damaged(&e))?;
        for batch in rows {
            columns.take(&batch.map_err(|e| damaged(&e))?).map_err(|e| input.wrong(e))?;
            values.store(0, Ordering::Relaxed);
        }
        columns.finish(input)
    }

    /// The bytes of a file. The claims in a page's header are checked before memory is allocated.
    struct Pages {
        bytes: Bytes,
        /// The number of values in the pages read since the last rows.
        values: std::sync::Arc<AtomicU64>,
    }

    impl Length for Pages {
        fn len(&self) -> u64 {
            self.bytes.len()
        }
    }

    impl ChunkReader for Pages {
        type T = std::io::BufReader<Reader>;

        fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
            let header = self.bytes.len().saturating_sub(start).min(40) as usize;
            if let Some((size, values)) = page(&self.bytes.copy(start, header)?) {
                if size > PAGE {
                    return Err(ParquetError::General(format!("a page of {size} bytes is larger than {PAGE}")));
                }
                let sum = self.values.fetch_add(values, Ordering::Relaxed).saturating_add(values);
                if sum > VALUES {
                    return Err(ParquetError::General(format!("{ROWS} rows hold more than {VALUES} values")));
                }
            }
            Ok(std::io::BufReader::with_capacity(1 << 14, self.bytes.reader(start)))
        }

        fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<bytes::Bytes> {
            Ok(self.bytes.copy(start, length)?.into())
        }
    }

    /// The unpacked size and the number of values that the header of a page claims: the first fields of a structure in Thrift's compact
    /// protocol.
    fn page(header: &[u8]) -> Option<(u64, u64)> {
        const NUMBER: u8 = 5;
        const STRUCTURE: u8 = 12;
        let (mut at, mut field) = (0, 0u8);
        let varint = |at: &mut usize| {
            let mut number = 0u64;
            for shift in (0..35).step_by(7) {
                let byte = *header.get(*at)?;
                *at += 1;
                number |= u64::from(byte & 0x7f) << shift;
                if byte < 0x80 {
                    return Some((number >> 1) ^ (number & 1).wrapping_neg());
                }
            }
            // A longer one does not fit into 32 bits, although some readers accept it.
            Some(u64::MAX)
        };
        let mut size = None;
        loop {
            let &byte = header.get(at)?;
            at += 1;
            (field, size) = match (field + (byte >> 4), byte & 15, size) {
                (2, NUMBER, _) => (2, Some(varint(&mut at)?)),
                (next @ (1 | 3 | 4), NUMBER, size) => {
                    varint(&mut at)?;
                    (next, size)
                }
                // The header of a data page of either version, or of a dictionary page, begins with the number of values.
                (5 | 7 | 8, STRUCTURE, Some(size)) if header.get(at) == Some(&0x15) => {
                    at += 1;
                    return Some((size, varint(&mut at)?));
                }
                // No writer orders the fields differently.
                (_, _, size) => return Some((size?, u64::MAX)),
            };
        }
    }

    #[cfg(test)]
    mod tests {
        use super::page;

        #[test]
        fn the_header_of_a_page_says_its_size() {
            // Type 0, 1000 bytes unpacked, 300 packed, a data page of 77 values.
            let header = [0x15, 0x00, 0x15, 0xd0, 0x0f, 0x15, 0xd8, 0x04, 0x2c, 0x15, 0x9a, 0x01, 0x15, 0x00];
            assert_eq!(page(&header), Some((1000, 77)));
            assert_eq!(page(&[0x15, 0x04, 0x15, 0xd0, 0x0f, 0x15, 0xd8, 0x04, 0x4c, 0x15, 0x08]), Some((1000, 4)));
            let long = [0x15, 0x04, 0x15, 0x30, 0x15, 0x2c, 0x4c, 0x15, 0x8c, 0xff, 0xab, 0xc2, 0xef, 0xed, 0x96, 0x06];
            assert_eq!(page(&long), Some((24, u64::MAX)));
            assert_eq!((page(&[0x15]), page(b"PAR1")), (None, None));
        }
    }
}
