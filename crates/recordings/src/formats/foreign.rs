//! Files that are often mistaken for recordings: each is refused with advice on how to get a recording from it.

use crate::Input;

const TENSORBOARD: &str = "it holds events of TensorBoard, which keeps curves but not where tokens went. If counts of experts are among its \
                           scalars, write them as CSV with the columns step, layer, expert and count: in Python, EventAccumulator(file) \
                           gives the steps and values of each";

/// Advice about a file that no reader knows, judged by its first bytes and its name.
pub(super) fn hint(input: &Input) -> Option<&'static str> {
    let first = input.first();
    let ends = |endings: &[&str]| input.ends_with(endings);
    // The first record of an event file names its version.
    if input.short_name().contains("tfevents") || first.windows(12).take(64).any(|w| w == b"brain.Event:") {
        return Some(TENSORBOARD);
    }
    if first.starts_with(b"\x89HDF\r\n\x1a\n") {
        return Some("it is an HDF5 file: save its arrays with numpy.savez");
    }
    if ends(&[".onnx"]) {
        return Some(
            "it is an ONNX model, which does not say where tokens go: record the outputs of its routers while it runs",
        );
    }
    if first.starts_with(b"SQLite format 3\0") {
        return Some("it is an SQLite database: export its table as CSV");
    }
    if first.starts_with(b"PK\x03\x04") {
        return Some("it is a ZIP archive, but neither NumPy's nor PyTorch's: unpack it and open the files in it");
    }
    if first.starts_with(b"BZh") || first.starts_with(b"\xfd7zXZ") {
        return Some("it is compressed in a way that Moebias does not unpack: pack it with gzip or zstd");
    }
    if matches!(first, [0x80, 2..=5, ..]) || ends(&[".pkl", ".pickle"]) {
        return Some(
            "it is a Python pickle, which is a program and is not run: load it in Python and save its arrays with numpy.savez",
        );
    }
    if matches!(first, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return Some("it is text in UTF-16: save it as UTF-8");
    }
    if ends(&[".bin"]) {
        return Some(
            "it is called .bin, which says nothing about what it holds: save its arrays with numpy.save, which writes their shape too",
        );
    }
    None
}
