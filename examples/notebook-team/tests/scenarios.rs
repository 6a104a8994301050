//! One test per file in `scenarios/`.

fn main() -> std::process::ExitCode {
    rotaproof::harness("scenarios")
}
