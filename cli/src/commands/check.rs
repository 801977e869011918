//! `ringway check`.

use std::io::Write;

use ringway::inspect::Finding;
use ringway::map::ErrorKind;
use serde::Serialize;

use crate::args::Args;
use crate::output::{Failure, Outcome, observe, shown, write_json};

#[derive(Debug, Serialize)]
struct Verdict {
    name: String,
    /// `whole`, `damaged`, or `unreadable`.
    verdict: &'static str,
    /// In words, what is wrong, or what is to be known.
    findings: Vec<String>,
}

/// Says of each channel whether it is whole.
pub(crate) fn run(args: &Args, names: &[String], out: &mut impl Write) -> Result<Outcome, Failure> {
    let (mut verdicts, mut failure) = (Vec::new(), None);
    for name in names {
        let observer = match observe(&args.namespaces(), name) {
            Ok(observer) => observer,
            Err(Failure::Channel(error)) => {
                let is_damaged = is_damage(&error);
                let verdict = if is_damaged { "damaged" } else { "unreadable" };
                verdicts.push(Verdict { name: name.clone(), verdict, findings: vec![error.to_string()] });
                if !is_damaged {
                    failure.get_or_insert(Failure::Channel(error));
                }
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let findings = observer.check();
        let is_damaged = findings.iter().any(|finding| matches!(finding, Finding::Damaged { .. }));
        let snapshot = observer.snapshot();
        let holds = if observer.kind().is_ring() {
            let again = match snapshot.orphans {
                0 => String::new(),
                orphans => format!(", and {orphans} to be received again"),
            };
            format!("{} of {} messages wait to be received{again}", snapshot.fill, observer.capacity())
        } else {
            format!("{} of {} cells have a value", snapshot.fill, observer.capacity())
        };
        let findings = findings.iter().map(ToString::to_string).chain([holds]).collect();
        verdicts.push(Verdict {
            name: name.clone(),
            verdict: if is_damaged { "damaged" } else { "whole" },
            findings,
        });
    }
    if args.json {
        write_json(out, &verdicts)?;
    } else {
        for Verdict { name, verdict, findings } in &verdicts {
            writeln!(out, "{}: {verdict}", shown(name))?;
            for finding in findings {
                writeln!(out, "  {finding}")?;
            }
        }
    }
    match failure {
        // What was found is written before it is said that one could not be opened.
        Some(failure) => {
            out.flush()?;
            Err(failure)
        }
        None if verdicts.iter().any(|verdict| verdict.verdict == "damaged") => Ok(Outcome::Bad),
        None => Ok(Outcome::Fine),
    }
}

/// Whether what cannot be looked into is a channel that is damaged, and not something else.
pub(crate) fn is_damage(error: &ringway::Error) -> bool {
    match error {
        ringway::Error::Damaged { .. } => true,
        ringway::Error::Map(error) => {
            matches!(error.kind(), ErrorKind::Damaged { .. } | ErrorKind::Truncated { .. })
        }
        _ => false,
    }
}
