//! `ringway sweep`.

use std::io::Write;

use ringway::map::{Error, Leftover, Namespace};
use serde::Serialize;

use crate::args::Args;
use crate::output::{Failure, Outcome, count, shown, write_json};

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
    let (mut all, mut failure) = (Vec::new(), None);
    for namespace in args.namespaces() {
        // What was removed is told, whatever comes after it.
        match sweep(&namespace, dry_run) {
            Ok(swept) => all.extend(swept),
            Err(error) => drop(failure.get_or_insert(Failure::Namespace(error))),
        }
    }
    if args.json {
        write_json(out, &all)?;
    } else {
        for Swept { file, removed, reason, failure, .. } in &all {
            match (removed, failure) {
                (true, _) => writeln!(out, "removed {}: {reason}", shown(file))?,
                (false, None) => writeln!(out, "would remove {}: {reason}", shown(file))?,
                (false, Some(failure)) => writeln!(out, "kept {}: {failure}", shown(file))?,
            }
        }
        if all.is_empty() {
            writeln!(out, "no leftovers")?;
        } else if dry_run {
            writeln!(out, "{}; nothing was removed", count(all.len() as u64, "leftover"))?;
        }
    }
    out.flush()?;
    if let Some(failure) = failure {
        return Err(failure);
    }
    let kept = !dry_run && all.iter().any(|swept| !swept.removed);
    Ok(if kept { Outcome::Bad } else { Outcome::Fine })
}

fn sweep(namespace: &Namespace, dry_run: bool) -> Result<Vec<Swept>, Error> {
    if dry_run {
        let leftovers = namespace.leftovers()?;
        return Ok(leftovers.iter().map(|leftover| Swept::of(leftover, false)).collect());
    }
    let report = namespace.sweep()?;
    let removed = report.removed.iter().map(|leftover| Swept::of(leftover, true));
    Ok(removed.chain(report.kept.iter().map(|leftover| Swept::of(leftover, false))).collect())
}
