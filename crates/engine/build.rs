//! Says where the shaders are: in this folder in a published package; in the repository a link leads to them, which a checkout
//! without symbolic links has as a text file.

use std::path::Path;

fn main() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = here.join("shaders");
    let shaders = if own.is_dir() { own } else { here.join("../../shaders") };
    println!("cargo::rustc-env=MOEBIAS_SHADERS={}", shaders.display());
    println!("cargo::rerun-if-changed=build.rs");
}
