//! The command line: reads arguments, calls a use case, prints a table for people or JSON for machines.

mod cli;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

/// Threads allocate and free rows in different places; mimalloc keeps that steady.
#[cfg(unix)]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::run(cli::Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            // Nobody is left to tell when this cannot be written either.
            let mut out = std::io::stderr();
            let _ = writeln!(out, "error: {error}");
            // Each cause on its own line, without saying twice what its effect said.
            let mut said = error.to_string();
            for cause in error.chain().skip(1).map(ToString::to_string) {
                if !said.contains(&cause) {
                    let _ = writeln!(out, "  because: {cause}");
                    said = cause;
                }
            }
            ExitCode::FAILURE
        }
    }
}
