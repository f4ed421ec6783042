//! The endpoint and administrator's command: everything is in the library's room `cli`.

fn main() {}
