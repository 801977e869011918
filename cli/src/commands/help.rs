//! What helps to use the tool.

use std::io::Write;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::output::{Failure, Outcome};

/// Writes what makes a shell complete.
pub(crate) fn completions(shell: Shell, out: &mut impl Write) -> Result<Outcome, Failure> {
    // It panics if it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "ringway", &mut script);
    out.write_all(&script)?;
    Ok(Outcome::Fine)
}

/// Writes a page for the tool, and one for each command.
pub(crate) fn man(dir: &Path, out: &mut impl Write) -> Result<Outcome, Failure> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(Args::command(), dir)?;
    writeln!(
        out,
        "manual pages are in {}: `man ringway` finds them if `man --path` names the directory above it",
        dir.display()
    )?;
    Ok(Outcome::Fine)
}
