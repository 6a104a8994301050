//! Every scenario file is a test.

fn main() -> std::process::ExitCode {
    rotaproof::harness(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios"))
}
