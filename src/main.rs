//! The command line and the window of Moebias.
fn main() {}
