//! Says where the scenarios, thumbnails, traces and lessons are: in this folder in a published package; in the repository links lead to
//! them, which a checkout without symbolic links has as text files.

use std::path::Path;

fn main() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (variable, folder) in [
        ("MOEBIAS_SCENARIOS", "scenarios"),
        ("MOEBIAS_THUMBNAILS", "assets/thumbnails"),
        ("MOEBIAS_TRACES", "assets/traces"),
        ("MOEBIAS_LESSONS", "assets/lessons"),
    ] {
        let own = here.join(folder);
        let found = if own.is_dir() { own } else { here.join("../..").join(folder) };
        println!("cargo::rustc-env={variable}={}", found.display());
    }
    println!("cargo::rerun-if-changed=build.rs");
}
