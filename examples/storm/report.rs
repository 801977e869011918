//! What the user is told.

use std::io::{self, Write};

use hdrhistogram::Histogram;

use crate::arguments::Settings;
use crate::supervisor::{Memory, Outcome, Verdict};
use crate::troupe::Troupe;

pub(crate) fn start(settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
    let Settings { length, kind, senders, receivers, kill_every, kills, capacity, batches, seed } = settings;
    writeln!(
        out,
        "{kind}: {senders} senders and {receivers} receivers on a channel that holds {capacity}, for {} s, seed {seed}",
        length.as_secs()
    )?;
    let batches = if *batches { "every second receiver" } else { "no receiver" };
    writeln!(
        out,
        "  kills         {kills} of them with SIGKILL, every {} ms; {batches} takes batches",
        kill_every.as_millis()
    )?;
    out.flush()
}

pub(crate) fn result(troupe: &Troupe, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let totals = &troupe.ledger.totals;
    let per_second = totals.received as f64 / outcome.elapsed.as_secs_f64();
    writeln!(out, "  throughput    {per_second:.0} messages/s, for {:.2} s", outcome.elapsed.as_secs_f64())?;
    let (senders, receivers) = (troupe.killed_senders, troupe.killed_receivers);
    writeln!(out, "  killed        {senders} senders, {receivers} receivers; each was replaced")?;
    let [in_place, copied, batches] = [totals.in_place, totals.copied, totals.in_batches];
    writeln!(out, "  received      {in_place} in place, {copied} by copy, {batches} in batches")?;
    writeln!(
        out,
        "  redelivered   {}, one of them up to {} times",
        totals.redelivered, totals.most_attempts
    )?;
    stalls("after a kill", "until the next message that anybody got", &troupe.stalls.after_kills, out)?;
    stalls("at a receiver", "between two messages, the longest of each receiver", &troupe.stalls.gaps, out)?;
    stalls(
        "here",
        "between two looks, kills and starts included: how late the machine is",
        &troupe.stalls.passes,
        out,
    )?;
    for (what, of) in [
        ("supervisor", (|memory| memory.supervisor) as fn(&Memory) -> u64),
        ("observer", |memory| memory.observer),
        ("in shared memory", |memory| memory.shared),
    ] {
        let [first, last] = outcome.memory.map(|memory| of(&memory) / 1024);
        let [from, to] = outcome.memory.map(|memory| memory.at.as_secs_f64());
        writeln!(out, "  memory        {what}: {first} KiB at {from:.1} s, {last} KiB at {to:.1} s")?;
    }
    if let Some(health) = &outcome.health {
        let (poisoned, discarded) = (health.poisoned, health.discarded);
        writeln!(out, "  dropped       {poisoned} poisoned, {discarded} discarded, says the channel")?;
    }
    for fault in &troupe.ledger.faults {
        writeln!(out, "  fault         {fault}")?;
    }
    for hung in &outcome.hung {
        writeln!(out, "  hung          {hung}")?;
    }
    if outcome.stranded > 0 {
        writeln!(out, "  stranded      {} messages, in the channel that all had left", outcome.stranded)?;
    }
    if let Some(signal) = outcome.signal {
        let name = signal_hook::low_level::signal_name(signal).unwrap_or("a signal");
        writeln!(out, "  interrupted   by {name}")?;
    }
    let (vanished, seen, open) = (totals.vanished, totals.seen, totals.open);
    writeln!(
        out,
        "  vanished      {vanished} of the received, of {seen} that were seen only in the memory of receivers killed \
         in {open} calls for a batch"
    )?;
    out.flush()
}

fn stalls(what: &str, meaning: &str, stalls: &Histogram<u64>, out: &mut dyn Write) -> io::Result<()> {
    let [p50, p99] = [0.5, 0.99].map(|share| stalls.value_at_quantile(share) as f64 / 1e6);
    let highest = stalls.max() as f64 / 1e6;
    writeln!(out, "  {what:<13} p50 {p50:.3} ms, p99 {p99:.3} ms, highest {highest:.3} ms, {meaning}")
}

/// The last line.
pub(crate) fn verdict(troupe: &Troupe, outcome: &Outcome) -> Verdict {
    let totals = &troupe.ledger.totals;
    let killed = troupe.killed_senders + troupe.killed_receivers;
    let (lost, duplicated) = (totals.lost, totals.duplicated);
    let hung = outcome.hung.len();
    let line = format!(
        "storm: {} published, {} received, {} redelivered, {killed} killed, {lost} lost, {duplicated} duplicated, \
         {hung} hung\n",
        totals.published, totals.received, totals.redelivered
    );
    let wrong = lost + duplicated + troupe.ledger.disorders > 0 || hung + outcome.stranded > 0;
    let status = match outcome.signal {
        _ if wrong => 1,
        Some(signal) => 128 + signal as u8,
        None => 0,
    };
    Verdict { line, status }
}
