//! Sets `MOEBIAS_SHADERS` to the folder with the shaders. A published package has them in its own `shaders` folder. In the repository that
//! is a symbolic link to `../../shaders`, which a checkout without symbolic links has as a text file; then the target is used directly.

use std::path::Path;

fn main() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = here.join("shaders");
    let shaders = if own.is_dir() { own } else { here.join("../../shaders") };
    println!("cargo::rustc-env=MOEBIAS_SHADERS={}", shaders.display());
    println!("cargo::rerun-if-changed=build.rs");
}
