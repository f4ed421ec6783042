//! The endpoint and administrator's command: everything is in the library's room `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    interdict::cli::main()
}
