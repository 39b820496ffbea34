//! The `moebias` program: the window, and the commands that need none.

fn main() -> std::process::ExitCode {
    moebias::cli::main()
}
