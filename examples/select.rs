//! One process that waits for three things at once: market data, orders, and a cell by which it is controlled.
//!
//! `cargo run --release --example select`
//!
//! Three other processes feed it. The run has three rounds: in the first two everything is there before it looks, so that
//! one sees in which order a fair select and one by priority choose; in the third it sleeps until something comes.

use std::env;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};
use ringway::channel::{Receiver, Spsc};
use ringway::seqlock::{self, Newer};
use ringway::{Message, Select, Source, TryRecvError, spsc};
use rustix::process::{Signal, set_parent_process_death_signal};

const HELP: &str = "\
Waits for a market-data channel, an order channel and a control cell at once, which three other processes feed.

Usage: cargo run --release --example select -- [OPTIONS]

  --pause MS      between two messages of the market data in the last round [20]
  -h, --help      this text

It prints what it chose, in turn and by priority, then what comes as it comes, and ends by itself: with status 0 if
everything came, 1 if not, and 2 for wrong arguments.
";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Tick {
    number: u64,
    price: f64,
}

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Order {
    number: u64,
    pieces: u64,
}

/// What the control cell says: only the latest counts.
#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Control {
    most_pieces: u64,
}

/// What each of the others sends in a round.
const EACH: u64 = 4;
/// In the first two rounds all is there before anybody looks.
const ROUNDS: [&str; 3] = ["in turn", "by priority", "as it comes"];

/// The names of one run.
struct Names(String);

impl Names {
    fn ticks(&self) -> spsc::Channel<Tick> {
        spsc::channel(&format!("{}-ticks", self.0))
    }

    fn orders(&self) -> spsc::Channel<Order> {
        spsc::channel(&format!("{}-orders", self.0))
    }

    fn control(&self) -> seqlock::Cell<Control> {
        seqlock::cell(&format!("{}-control", self.0))
    }
}

/// A process that feeds the one that selects, a round whenever it is told to, until nobody tells it any more.
fn feed(mut send: impl FnMut(u64) -> Result<()>, pause: Duration) -> Result<()> {
    for (round, line) in io::stdin().lines().enumerate() {
        line?;
        for number in 0..EACH {
            if round + 1 == ROUNDS.len() {
                thread::sleep(pause);
            }
            send(round as u64 * EACH + number)?;
        }
        println!("done");
    }
    Ok(())
}

fn play(role: &str, names: &Names, pause: Duration) -> Result<()> {
    // Nobody outlives the one that started it.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    match role {
        "market" => {
            let mut sender = names.ticks().open_existing().sender()?;
            feed(|number| Ok(sender.send(Tick { number, price: 100.0 + number as f64 / 4.0 })?), pause)
        }
        "trader" => {
            let mut sender = names.orders().open_existing().sender()?;
            feed(|number| Ok(sender.send(Order { number, pieces: 10 * (number + 1) })?), pause * 2)
        }
        "control" => {
            let mut writer = names.control().open_existing().writer()?;
            let mut store = |number| {
                writer.store(Control { most_pieces: 50 + number });
                Ok(())
            };
            feed(&mut store, pause * 3)
        }
        _ => Err(format!("there is no role `{role}`").into()),
    }
}

/// One of the others, as the one that selects has it.
struct Feed {
    role: &'static str,
    child: Child,
    says: BufReader<std::process::ChildStdout>,
}

impl Feed {
    fn start(role: &'static str, names: &Names, pause: Duration) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["--role", role, "--run", &names.0, "--pause", &pause.as_millis().to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let says = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { role, child, says })
    }

    /// Lets it send a round.
    fn go(&mut self) -> Result<()> {
        Ok(writeln!(self.child.stdin.as_ref().ok_or("no input")?, "go")?)
    }

    /// Until it has.
    fn done(&mut self) -> Result<()> {
        let mut line = String::new();
        self.says.read_line(&mut line)?;
        if line == "done\n" { Ok(()) } else { Err(format!("{} has failed", self.role).into()) }
    }

    /// It leaves when nobody can tell it to go on.
    fn end(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("{} has failed: {status}", self.role).into()) }
    }
}

/// Everything that is waited for, and how much of it has come.
struct Desk {
    control: Newer<Control>,
    orders: Receiver<Order, Spsc>,
    ticks: Receiver<Tick, Spsc>,
    came: [u64; 3],
    over: [bool; 3],
}

/// The sources in the order of the list: the first one has the highest priority.
#[derive(Clone, Copy)]
enum Place {
    Control,
    Orders,
    Ticks,
}

impl Place {
    const ALL: [Place; 3] = [Place::Control, Place::Orders, Place::Ticks];

    /// Who feeds it.
    fn feed(self) -> &'static str {
        match self {
            Place::Control => "the control",
            Place::Orders => "the trader",
            Place::Ticks => "the market",
        }
    }
}

impl Desk {
    /// The sources that may still bring something; each with its place.
    fn sources(&mut self) -> (Vec<Place>, Vec<&mut dyn Source>) {
        let all: [&mut dyn Source; 3] = [&mut self.control, &mut self.orders, &mut self.ticks];
        let open = Place::ALL.into_iter().zip(all).filter(|(place, _)| !self.over[*place as usize]);
        open.unzip()
    }

    /// Looks for what is there, without waiting; whether there was anything.
    fn poll(&mut self, select: &mut Select) -> Result<bool> {
        let (places, mut sources) = self.sources();
        match select.poll(&mut sources) {
            Some(index) => self.take(places[index]).map(|()| true),
            None => Ok(false),
        }
    }

    /// Sleeps until something comes.
    fn wait(&mut self, select: &mut Select) -> Result<()> {
        let (places, mut sources) = self.sources();
        let index = select.wait(&mut sources);
        self.take(places[index])
    }

    /// Takes what is ready at that place.
    fn take(&mut self, place: Place) -> Result<()> {
        let answer = match place {
            Place::Control => self.take_control()?,
            Place::Orders => self.orders.try_recv().map(|order| {
                println!("  order    number {}, {} pieces", order.number, order.pieces);
            }),
            Place::Ticks => self.ticks.try_recv().map(|tick| {
                println!("  tick     number {}, at {}", tick.number, tick.price);
            }),
        };
        match answer {
            Ok(()) => self.came[place as usize] += 1,
            // Ready means only that it is worth a try.
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected(departure)) => {
                println!("  {} {departure}", place.feed());
                self.over[place as usize] = true;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// A cell that is ready has a newer value, or no writer any more.
    fn take_control(&mut self) -> Result<std::result::Result<(), TryRecvError>> {
        let mut seen = self.control.seen();
        let newer = self.control.reader().load_if_newer(&mut seen)?;
        self.control.set_seen(seen);
        if let Some(control) = newer {
            println!("  control  value {seen}, at most {} pieces", control.most_pieces);
            return Ok(Ok(()));
        }
        match self.control.reader().freshness() {
            seqlock::Freshness::Stale { writer, .. } => Ok(Err(TryRecvError::Disconnected(writer))),
            _ => Ok(Err(TryRecvError::Empty)),
        }
    }
}

fn supervise(pause: Duration) -> Result<()> {
    let names = Names(format!("select-{}", std::process::id()));
    let control = names.control().reader()?.newer_than(0);
    let (orders, ticks) = (names.orders().receiver()?, names.ticks().receiver()?);
    let mut desk = Desk { control, orders, ticks, came: [0; 3], over: [false; 3] };
    let mut feeds = Vec::new();
    for role in ["market", "trader", "control"] {
        feeds.push(Feed::start(role, &names, pause)?);
    }

    for (round, mut select) in [(0, Select::fair()), (1, Select::by_priority())] {
        feeds.iter_mut().try_for_each(Feed::go)?;
        feeds.iter_mut().try_for_each(Feed::done)?;
        println!("{}:", ROUNDS[round]);
        while desk.poll(&mut select)? {}
    }

    println!("{}:", ROUNDS[2]);
    feeds.iter_mut().try_for_each(Feed::go)?;
    // Nobody tells them to go on: each leaves after its last.
    let ends = thread::spawn(move || {
        feeds.into_iter().try_for_each(|feed| feed.end().map_err(|error| error.to_string()))
    });
    let mut select = Select::fair();
    while desk.over != [true; 3] {
        desk.wait(&mut select)?;
    }
    ends.join().map_err(|_| "a thread has failed")??;

    let [values, orders, ticks] = desk.came;
    println!("select: {ticks} ticks, {orders} orders and {values} values of the control cell");
    let all = ROUNDS.len() as u64 * EACH;
    if (ticks, orders) == (all, all) {
        Ok(())
    } else {
        Err(format!("expected {all} ticks and orders").into())
    }
}

/// What is asked for.
struct Arguments {
    role: Option<String>,
    run: String,
    pause: Duration,
}

/// `None`: only help is asked for.
fn parse() -> std::result::Result<Option<Arguments>, lexopt::Error> {
    let mut asked = Arguments { role: None, run: String::new(), pause: Duration::from_millis(20) };
    let mut parser = Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Long("pause") => asked.pause = Duration::from_millis(parser.value()?.parse()?),
            // Between its processes only.
            Arg::Long("role") => asked.role = Some(parser.value()?.string()?),
            Arg::Long("run") => asked.run = parser.value()?.string()?,
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Some(asked))
}

fn main() -> ExitCode {
    let asked = match parse() {
        Ok(Some(asked)) => asked,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("select: {error}; --help says what there is");
            return ExitCode::from(2);
        }
    };
    let answer = match &asked.role {
        Some(role) => play(role, &Names(asked.run), asked.pause),
        None => supervise(asked.pause),
    };
    match answer {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("select: {}{error}", asked.role.map_or(String::new(), |role| format!("{role}: ")));
            ExitCode::FAILURE
        }
    }
}
