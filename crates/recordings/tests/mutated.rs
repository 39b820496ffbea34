//! Damaged files: every sample with bits flipped, parts cut, inserted and doubled, and numbers replaced. Whatever comes out must be an error
//! or a recording that can be read, in bounded memory. `MOEBIAS_MUTATIONS=100000` says how many inputs each reader gets.

use crate::text::Random;
use moebias_recordings::{Data, Input, Reading, read};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Inputs for each reader where nobody says.
const EACH: usize = 300;
/// Bytes that reading one input may take.
const MOST: isize = 1 << 30;

/// Counts what a thread has set aside.
struct Counting;

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    let now = NOW.with(|now| {
        now.set(now.get() + bytes);
        now.get()
    });
    PEAK.with(|peak| peak.set(peak.get().max(now)));
}

// SAFETY: every call is passed on; counting touches cells of the thread, which need no memory.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps what the trait asks for.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps what the trait asks for.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps what the trait asks for.
        unsafe { System.dealloc(place, layout) }
    }
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller keeps what the trait asks for.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What a call returns, and the bytes that it needed.
pub fn peak_of<T>(call: impl FnOnce() -> T) -> (T, isize) {
    let before = NOW.with(Cell::get);
    PEAK.with(|peak| peak.set(before));
    let result = call();
    (result, PEAK.with(Cell::get) - before)
}

/// The samples by reader, with their names.
fn samples() -> BTreeMap<&'static str, Vec<(String, Vec<u8>)>> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")];
    let mut files: Vec<PathBuf> = vec![];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let side = path.extension().is_some_and(|e| e == "py" || e == "md");
            if path.is_dir() {
                folders.push(path);
            } else if !side {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut by_reader: BTreeMap<&'static str, Vec<(String, Vec<u8>)>> = BTreeMap::new();
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let content = std::fs::read(&path).unwrap();
        let reader = match read(&Input::memory(&name, content.clone()).unwrap(), &Reading::default()) {
            Ok(recording) => recording.format,
            Err(_) => "none",
        };
        by_reader.entry(reader).or_default().push((name, content));
    }
    by_reader
}

pub fn mutated(content: &[u8], random: &mut Random) -> Vec<u8> {
    const TEXTS: [&str; 10] =
        ["18446744073709551615", "-1", "1e308", "99999999999", "NaN", "4294967296", "0", "\"a\"", "[[", "null"];
    const WORDS: [u64; 10] =
        [u64::MAX, 0, 1 << 31, u32::MAX as u64, i32::MAX as u64, 1 << 40, 1 << 62, 0xff, 0x8000, i64::MAX as u64];
    let mut out = content.to_vec();
    for _ in 0..=random.below(3) {
        let (length, at) = (out.len(), random.below(out.len()));
        match random.below(8) {
            0 | 1 if length > 0 => out[at] ^= 1 << random.below(8),
            // Headers are small beside what follows them.
            2 if length > 0 => {
                let early = random.below(length.min(512));
                out[early] = random.next() as u8;
            }
            3 => out.truncate(at),
            4 => {
                let more: Vec<u8> = (0..=random.below(9)).map(|_| random.next() as u8).collect();
                out.splice(at..at, more);
            }
            5 => {
                let end = (at + 1 + random.below(200)).min(length);
                let chunk = out[at.min(end)..end].to_vec();
                out.splice(at..at, chunk);
            }
            6 => {
                let word = WORDS[random.below(WORDS.len())].to_le_bytes();
                let size = [2, 4, 8][random.below(3)];
                let end = (at + size).min(length);
                out.splice(at.min(end)..end, word[..size].iter().copied());
            }
            _ => {
                let digits = |b: &u8| b.is_ascii_digit() || *b == b'.';
                let Some(from) = out[at.min(length)..].iter().position(digits).map(|i| at + i) else { continue };
                let to = out[from..].iter().position(|b| !digits(b)).map_or(length, |i| from + i);
                out.splice(from..to, TEXTS[random.below(TEXTS.len())].bytes());
            }
        }
    }
    out
}

/// Reads everything; `None` if the input was refused.
fn look(name: &str, content: Vec<u8>) -> Result<(), String> {
    let say = |e: moebias_recordings::ReadError| e.to_string();
    let reading = Reading::default();
    let recording = read(&Input::memory(name, content).map_err(say)?, &reading).map_err(say)?;
    for layer in &recording.layers {
        assert!(layer.experts > 1 && layer.cut().0 > 0, "{name} gives a layer without content");
        let (mut reals, mut ids): (Vec<f32>, Vec<i64>) = (vec![], vec![]);
        if let Data::Scores(rows) | Data::Selections(rows) = &layer.data {
            for from in (0..rows.len()).step_by(rows.chunk()) {
                rows.read(from..(from + rows.chunk()).min(rows.len()), &mut reals).map_err(|e| e.to_string())?;
            }
        }
        layer.token_ids.read(0..layer.token_ids.len(), &mut ids).map_err(|e| e.to_string())?;
        let facts = recording.facts(layer).map_err(say)?;
        recording.figures(layer, &facts, &reading).map_err(say)?;
    }
    Ok(())
}

#[test]
fn damaged_files_are_errors_or_recordings() {
    let each = std::env::var("MOEBIAS_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(EACH);
    let only = std::env::var("MOEBIAS_READER").unwrap_or_default();
    let mut failures = vec![];
    for (reader, files) in samples().iter().filter(|(reader, _)| reader.contains(&only)) {
        let started = Instant::now();
        let (mut opened, mut unexplained, mut slow, mut longest, mut largest) = (0, 0, 0, Duration::ZERO, 0);
        for number in 0..each {
            let (name, content) = &files[number % files.len()];
            let seed = name.bytes().fold(number as u64, |hash, b| hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(b));
            let input = mutated(content, &mut Random(seed));
            let from = Instant::now();
            let (result, used) = peak_of(|| catch_unwind(AssertUnwindSafe(|| look(name, input))));
            let took = from.elapsed();
            (longest, largest) = (longest.max(took), largest.max(used));
            slow += usize::from(took > Duration::from_secs(1));
            match result {
                Ok(Ok(())) => opened += 1,
                Ok(Err(e)) => unexplained += usize::from(e.contains("in a way that its reader does not explain")),
                Err(_) => failures.push(format!("{name}, mutation {number}: panics")),
            }
            if used > MOST {
                failures.push(format!("{name}, mutation {number}: takes {} MiB", used >> 20));
            }
        }
        println!(
            "{reader}: {each} inputs of {} files, {opened} open, {slow} take longer than 1 s (longest {} ms), at most {} MiB, \
             {unexplained} contained, {} s",
            files.len(),
            longest.as_millis(),
            largest >> 20,
            started.elapsed().as_secs()
        );
    }
    assert!(failures.is_empty(), "{} failures, first: {:#?}", failures.len(), &failures[..failures.len().min(20)]);
}
