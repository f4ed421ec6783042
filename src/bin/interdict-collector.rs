//! The fleet's server: everything is in the library's room `collector`.

use std::process::ExitCode;

fn main() -> ExitCode {
    interdict::collector::main()
}
