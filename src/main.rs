//! The `moebias` program: the window, and the commands that work without one.

fn main() -> std::process::ExitCode {
    moebias::cli::main()
}
