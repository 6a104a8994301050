//! The command line, for the tests of this package.

use std::process::ExitCode;

fn main() -> ExitCode {
    rotaproof::cli::main()
}
