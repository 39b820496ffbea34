//! The readers on files as their writers make them.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arrays;
mod cases;
mod columns;
mod differ;
mod documents;
mod every;
mod foreign;
mod honest;
mod large;
mod lines;
mod megatron;
mod mutated;
mod packed;
mod pytorch;
mod tables;
mod text;
mod words;
mod written;
mod written_arrays;
