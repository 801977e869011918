//! `ringway sweep`.

use std::io::Write;

use ringway::map::Leftover;
use serde::Serialize;

use crate::args::Args;
use crate::output::{Failure, Outcome, count, write_json};

#[derive(Debug, Serialize)]
struct Swept {
    name: Option<String>,
    file: String,
    removed: bool,
    /// Why it is a leftover.
    reason: String,
    /// Why it could not be removed.
    failure: Option<String>,
}

impl Swept {
    fn of(leftover: &Leftover, removed: bool) -> Self {
        Self {
            name: leftover.entry.name.clone(),
            file: leftover.entry.path.display().to_string(),
            removed,
            reason: leftover.reason.clone(),
            failure: leftover.failure.as_ref().map(ToString::to_string),
        }
    }
}

/// Removes leftovers, or says which there are.
pub(crate) fn run(args: &Args, dry_run: bool, out: &mut impl Write) -> Result<Outcome, Failure> {
    let mut all = Vec::new();
    for namespace in args.namespaces() {
        if dry_run {
            let leftovers = namespace.leftovers().map_err(Failure::Namespace)?;
            all.extend(leftovers.iter().map(|leftover| Swept::of(leftover, false)));
        } else {
            let report = namespace.sweep().map_err(Failure::Namespace)?;
            all.extend(report.removed.iter().map(|leftover| Swept::of(leftover, true)));
            all.extend(report.kept.iter().map(|leftover| Swept::of(leftover, false)));
        }
    }
    if args.json {
        write_json(out, &all)?;
    } else {
        for Swept { file, removed, reason, failure, .. } in &all {
            match (removed, failure) {
                (true, _) => writeln!(out, "removed {file}: {reason}")?,
                (false, None) => writeln!(out, "would remove {file}: {reason}")?,
                (false, Some(failure)) => writeln!(out, "kept {file}: {failure}")?,
            }
        }
        if all.is_empty() {
            writeln!(out, "no leftovers")?;
        } else if dry_run {
            writeln!(out, "{}; nothing was removed", count(all.len() as u64, "leftover"))?;
        }
    }
    let kept = !dry_run && all.iter().any(|swept| !swept.removed);
    Ok(if kept { Outcome::Bad } else { Outcome::Fine })
}
