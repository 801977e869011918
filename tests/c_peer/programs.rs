//! The header and the programs in `examples/c`, as their users compile and run them.

use std::path::Path;

use crate::{compile, compilers};

#[test]
fn the_header_and_its_programs_compile_without_a_warning() {
    for compiler in compilers() {
        for program in [
            "examples/c/send.c",
            "examples/c/recv.c",
            "examples/c/latest.c",
            "tests/c_peer/peer.c",
            "tests/c_peer/scenes.c",
        ] {
            let stem = Path::new(program).file_stem().expect("a file").display();
            let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{stem}-{}", std::process::id()));
            compile(&compiler, program, &to);
            std::fs::remove_file(to).unwrap();
        }
    }
}
