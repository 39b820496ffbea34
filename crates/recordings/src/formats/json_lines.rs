//! JSON lines: one object per line, about a token, an assignment or a step; other lines are metadata.

use super::Format;
use super::records::Records;
use crate::error::ReadError;
use crate::input::FIRST;
use crate::recording::Recording;
use crate::{Input, Reading};
use serde_json::{Map, Value};
use std::io::{BufRead, Read as _};

/// The longest line, in bytes: a response may hold the experts of all its tokens and layers.
const LINE: usize = 64 << 20;
/// The memory that the values of one line may take, in bytes.
const VALUES: usize = 768 << 20;

/// The mark that some writers put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// JSON lines.
pub(super) struct JsonLines;

impl Format for JsonLines {
    fn name(&self) -> &'static str {
        "JSON lines"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["jsonl", "ndjson"]
    }

    fn recognises(&self, input: &Input) -> bool {
        input.ends_with(&[".jsonl", ".ndjson"]) || begins_with_object(input.first())
    }

    fn read(&self, input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
        let mut records = Records::new(reading);
        let damage = each_object(input, |object| records.take(object))?;
        let mut recording = records.finish(input)?;
        recording.damages.extend(damage);
        Ok(recording)
    }
}

/// Whether the first line is a JSON object, or the beginning of one that is longer than the bytes available.
pub(super) fn begins_with_object(first: &[u8]) -> bool {
    first_object(first).is_some() || {
        let text = without_mark(first).trim_ascii_start();
        text.starts_with(b"{\"") && first.len() >= FIRST && !text.contains(&b'\n')
    }
}

/// The object of the first line.
pub(super) fn first_object(first: &[u8]) -> Option<Map<String, Value>> {
    let text = without_mark(first).trim_ascii_start();
    let line = text.split(|&b| b == b'\n').next()?;
    if line.starts_with(b"{") { serde_json::from_slice(line).ok() } else { None }
}

fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Calls `take` with the object of every line. Returns a sentence if the end of the file is damaged and was left out.
pub(super) fn each_object(
    input: &Input,
    mut take: impl FnMut(&Map<String, Value>) -> Result<(), String>,
) -> Result<Option<String>, ReadError> {
    let mut stream = input.stream().map_err(|e| input.failed(e))?;
    let (mut line, mut taken) = (vec![], 0);
    for number in 1.. {
        line.clear();
        let mut part = (&mut stream).take(LINE as u64 + 1);
        match part.read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            // A compressed file may end anywhere if its writer was killed.
            Err(e) if taken > 0 => return Ok(Some(format!("it can't be read behind line {}: {e}", number - 1))),
            Err(e) => return Err(input.failed(e)),
        }
        if line.len() > LINE {
            let what = format!("line {number} is longer than {} MiB", LINE >> 20);
            return Err(input.wrong(what).at(number, 1, &line));
        }
        if number == 1 && (line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff")) {
            return Err(input.wrong("it is UTF-16 text, but JSON lines are UTF-8"));
        }
        let text = if number == 1 { without_mark(&line) } else { &line }.trim_ascii();
        if text.is_empty() {
            continue;
        }
        if values(text) > VALUES {
            let what = format!("line {number} holds more values than fit into {} MiB", VALUES >> 20);
            return Err(input.wrong(what).at(number, 1, &line));
        }
        match serde_json::from_slice::<Map<String, Value>>(text) {
            Ok(object) => {
                take(&object).map_err(|e| input.wrong(format!("{e} (line {number})")).at(number, 1, &line))?;
                taken += 1;
            }
            // A writer that was killed leaves an incomplete last line, or a block of zeros.
            Err(_) if taken > 0 && (!line.ends_with(b"\n") || text.iter().all(|&b| b == 0)) => {
                return Ok(Some(format!("the last line, {number}, is torn: it is left out")));
            }
            Err(e) => return Err(input.wrong(no_object(&e, text, number)).at(number, e.column().max(1), &line)),
        }
    }
    Ok(None)
}

/// A lower bound for the memory that the values of a line take, in bytes.
fn values(text: &[u8]) -> usize {
    if text.len() < 1 << 20 {
        return 0;
    }
    let each = |&byte: &u8| match byte {
        b',' => 64,
        b'[' => 160,
        b'{' => 640,
        _ => 0,
    };
    text.iter().map(each).sum()
}

/// Why a line is no JSON object: a sentence.
fn no_object(error: &serde_json::Error, text: &[u8], number: usize) -> String {
    let from = error.column().saturating_sub(3).min(text.len());
    let near = String::from_utf8_lossy(&text[from..text.len().min(from + 12)]).into_owned();
    if let Some(word) = ["NaN", "Infinity", "inf"].into_iter().find(|&word| near.contains(word)) {
        return format!("line {number} holds {word}, which is no number in JSON");
    }
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or(&said);
    format!("line {number} is not a JSON object: {said}")
}
