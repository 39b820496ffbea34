//! Sets the variables that name the folders with scenarios, thumbnails, traces and lessons. A published package has them in its own folder.
//! In the repository there are symbolic links to them, which a checkout without symbolic links has as text files; then the targets are used
//! directly.

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
