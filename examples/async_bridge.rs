//! A bridge between two channels and a TCP connection, by tokio: tasks that wait for a channel as they wait for a socket.
//!
//! `cargo run --release --example async_bridge`
//!
//! ```text
//! feed ──(spsc)──▶ bridge ──(TCP)──▶ client
//!                    bridge ◀──(TCP)── client
//!  run ◀──(spsc)── bridge
//! ```
//!
//! Each is a process. The bridge forwards messages as bytes, and bytes that come back as messages, with one thread; the
//! client returns what it gets. Both ends check that every message came, once and in order.

use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitCode, Stdio};

use lexopt::{Arg, Parser, ValueExt};
use ringway::{Message, RecvError, spsc};
use rustix::process::{Signal, set_parent_process_death_signal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

const HELP: &str = "\
A bridge between two ringway channels and a TCP connection, by tokio.

Usage: cargo run --release --example async_bridge -- [OPTIONS]

  --messages N    how many go there and back [100000]
  -h, --help      this text

It starts a process that feeds a channel, the bridge, and a client on 127.0.0.1 that returns what it gets, checks that
all messages came back in order, and ends: with status 0 if they did, 1 if not, and 2 for wrong arguments.
";

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Sample {
    number: u64,
    value: f64,
}

impl Sample {
    /// On the wire: both fields, lowest byte first.
    const BYTES: usize = 16;

    fn of(number: u64) -> Self {
        Self { number, value: (number as f64).sqrt() }
    }

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.number.to_le_bytes());
        bytes[8..].copy_from_slice(&self.value.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [number, value] =
            [0, 8].map(|at| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes")));
        Self { number, value: f64::from_bits(value) }
    }
}

/// Counts what comes, and refuses what is not the next one.
#[derive(Default)]
struct Check {
    next: u64,
}

impl Check {
    fn take(&mut self, sample: Sample) -> Result<()> {
        let expected = Sample::of(self.next);
        if sample != expected {
            return Err(format!("{sample:?} came, expected {expected:?}").into());
        }
        self.next += 1;
        Ok(())
    }

    fn end(&self, messages: u64) -> Result<()> {
        let came = self.next;
        if came == messages {
            Ok(())
        } else {
            Err(format!("{came} messages came, expected {messages}").into())
        }
    }
}

/// The channel from the feed to the bridge, or the one from the bridge back.
fn channel(run: &str, way: &str) -> spsc::Channel<Sample> {
    spsc::channel(&format!("{run}-{way}"))
}

/// The feed: sends all messages and leaves.
fn feed(run: &str, messages: u64) -> Result<()> {
    let mut sender = channel(run, "there").open_existing().sender()?;
    for number in 0..messages {
        sender.send(Sample::of(number))?;
    }
    Ok(())
}

/// So many messages go into one write.
const BATCH: usize = 256;

/// The bridge's first task: messages become bytes, until the sender has left.
async fn forward(mut receiver: spsc::Receiver<Sample>, mut client: OwnedWriteHalf) -> Result<()> {
    let mut bytes = Vec::with_capacity(BATCH * Sample::BYTES);
    loop {
        // Asleep until there is a message; what is there beside it goes along.
        match receiver.recv_async().await {
            Ok(first) => {
                bytes.clear();
                let more = receiver.try_iter().take(BATCH - 1);
                bytes.extend([first].into_iter().chain(more).flat_map(Sample::to_bytes));
                client.write_all(&bytes).await?;
            }
            Err(RecvError::Disconnected(_)) => return Ok(client.shutdown().await?),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The bridge's second task: bytes become messages, until the client has closed its side.
async fn back(mut client: OwnedReadHalf, mut sender: spsc::Sender<Sample>) -> Result<()> {
    let mut bytes = Vec::new();
    while client.read_buf(&mut bytes).await? > 0 {
        let mut whole = bytes.chunks_exact(Sample::BYTES);
        for sample in whole.by_ref() {
            let sample = Sample::from_bytes(sample.try_into()?);
            // Asleep until there is room. Meanwhile nothing is read, so that the client is held up in its turn.
            sender.send_async(sample).await?;
        }
        bytes = whole.remainder().to_vec();
    }
    if bytes.is_empty() { Ok(()) } else { Err("the client closed in the middle of a message".into()) }
}

/// The bridge: says its port, serves one client, and leaves.
fn bridge(run: &str) -> Result<()> {
    let receiver = channel(run, "there").receiver()?;
    let sender = channel(run, "back").open_existing().sender()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        let (client, _) = listener.accept().await?;
        let (read, write) = client.into_split();
        let forward = tokio::spawn(forward(receiver, write));
        let back = tokio::spawn(back(read, sender));
        forward.await??;
        back.await??;
        Ok(())
    })
}

/// The client: gets messages as bytes and returns them.
fn client(port: u16, messages: u64) -> Result<()> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    let (mut input, mut output) = (BufReader::new(&stream), &stream);
    let (mut check, mut bytes) = (Check::default(), [0; Sample::BYTES]);
    while !input.fill_buf()?.is_empty() {
        input.read_exact(&mut bytes)?;
        check.take(Sample::from_bytes(bytes))?;
        output.write_all(&bytes)?;
    }
    check.end(messages)
}

/// Starts this program again, in a role.
fn start(role: &str, arguments: &[String]) -> Result<Child> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--role", role]).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    Ok(command.spawn()?)
}

/// Starts the others, receives what comes back, and says what it came to.
fn supervise(messages: u64) -> Result<()> {
    let run = format!("async_bridge-{}", std::process::id());
    let common = ["--run".to_owned(), run.clone(), "--messages".to_owned(), messages.to_string()];
    let mut receiver = channel(&run, "back").receiver()?;
    let mut bridge = start("bridge", &common)?;
    let mut port = String::new();
    BufReader::new(bridge.stdout.take().ok_or("no output")?).read_line(&mut port)?;
    let port: u16 = port.trim().parse().map_err(|_| "the bridge did not say its port")?;
    let client = start("client", &[&common[..], &["--port".to_owned(), port.to_string()]].concat())?;
    let feed = start("feed", &common)?;
    println!("a feed, a bridge at 127.0.0.1:{port} and a client have started");

    let mut check = Check::default();
    let checked = (&mut receiver).into_iter().try_for_each(|sample| check.take(sample));
    drop(receiver); // so that none of them waits for room after a failure
    for (role, mut child) in [("feed", feed), ("bridge", bridge), ("client", client)] {
        if checked.is_err() {
            child.kill()?;
        }
        let status = child.wait()?;
        if checked.is_ok() && !status.success() {
            return Err(format!("the {role} failed: {status}").into());
        }
    }
    checked?;
    check.end(messages)?;
    println!("async_bridge: {messages} messages came through the bridge and back, all in order");
    Ok(())
}

/// What is asked for.
struct Arguments {
    role: Option<String>,
    run: String,
    messages: u64,
    port: u16,
}

/// `None`: only help is asked for.
fn parse() -> std::result::Result<Option<Arguments>, lexopt::Error> {
    let mut asked = Arguments { role: None, run: String::new(), messages: 100_000, port: 0 };
    let mut parser = Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Long("messages") => asked.messages = parser.value()?.parse()?,
            // Between its processes only.
            Arg::Long("role") => asked.role = Some(parser.value()?.string()?),
            Arg::Long("run") => asked.run = parser.value()?.string()?,
            Arg::Long("port") => asked.port = parser.value()?.parse()?,
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Some(asked))
}

fn run(asked: &Arguments) -> Result<()> {
    let Some(role) = &asked.role else { return supervise(asked.messages) };
    // Nobody outlives the one that started it.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    match &role[..] {
        "feed" => feed(&asked.run, asked.messages),
        "bridge" => bridge(&asked.run),
        "client" => client(asked.port, asked.messages),
        _ => Err(format!("there is no role `{role}`").into()),
    }
}

fn main() -> ExitCode {
    let asked = match parse() {
        Ok(Some(asked)) => asked,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("async_bridge: {error}; --help says what there is");
            return ExitCode::from(2);
        }
    };
    match run(&asked) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!(
                "async_bridge: {}{error}",
                asked.role.map_or(String::new(), |role| format!("{role}: "))
            );
            ExitCode::FAILURE
        }
    }
}
