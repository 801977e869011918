//! A small HTTP server for whoever reads metrics.
//!
//! One thread waits for all its clients at a time, and for none of them longer than for a while: who sends nothing, or takes
//! nothing, keeps nobody waiting. Each is answered once. Whoever asks as fast as it can makes no more work than others: what was
//! gathered is told to all who ask in the next moment.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use super::request::{LONGEST, answer, parse};

/// So long a client may take in all.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// So many are waited for at a time: one more, and the one that has taken longest is sent away.
const MOST: usize = 32;
/// So long it waits until it looks whether it is to end.
const MOMENT: Duration = Duration::from_millis(100);
/// So old may be what is told.
pub(super) const FRESH: Duration = Duration::from_millis(100);

pub(super) struct Server {
    listener: TcpListener,
    patience: Duration,
    metrics: Metrics,
    /// The one that has taken longest comes first.
    clients: Vec<Client>,
}

/// What is told, and how it is gathered.
struct Metrics {
    gather: Box<dyn Fn() -> String>,
    fresh: Duration,
    page: Option<(Instant, String)>,
}

impl Metrics {
    fn get(&mut self) -> String {
        if self.page.as_ref().is_none_or(|(at, _)| at.elapsed() >= self.fresh) {
            let page = (self.gather)();
            self.page = Some((Instant::now(), page));
        }
        self.page.as_ref().map(|(_, page)| page.clone()).unwrap_or_default()
    }
}

struct Client {
    stream: TcpStream,
    came: Instant,
    state: State,
}

enum State {
    /// What has come of the request.
    Asking(Vec<u8>),
    /// The answer, of which so many bytes are sent.
    Answering(Vec<u8>, usize),
    /// It has its answer. What it still sends is read, and forgotten: otherwise it could lose the answer.
    Leaving,
}

impl Server {
    /// `gather` is called at most once in `fresh`.
    pub(super) fn new(
        listener: TcpListener,
        patience: Duration,
        fresh: Duration,
        gather: impl Fn() -> String + 'static,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let metrics = Metrics { gather: Box::new(gather), fresh, page: None };
        Ok(Self { listener, patience, metrics, clients: Vec::new() })
    }

    /// Answers until it is told to stop.
    pub(super) fn run(mut self, stop: &AtomicBool) -> io::Result<()> {
        while !stop.load(Ordering::Relaxed) {
            self.wait()?;
            self.accept();
            let Self { patience, metrics, clients, .. } = &mut self;
            clients.retain_mut(|client| client.came.elapsed() < *patience && client.goes_on(metrics));
        }
        Ok(())
    }

    /// Waits until somebody comes, or something can be done for one of those who are there.
    fn wait(&self) -> io::Result<()> {
        let mut all = vec![PollFd::new(&self.listener, PollFlags::IN)];
        all.extend(self.clients.iter().map(|client| {
            let answering = matches!(client.state, State::Answering(..));
            PollFd::new(&client.stream, if answering { PollFlags::OUT } else { PollFlags::IN })
        }));
        let time = Timespec::try_from(MOMENT).ok();
        match rustix::event::poll(&mut all, time.as_ref()) {
            // A signal: there is a look at what it said.
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Those who wait at the door, but no more than there is room for: those who are there go on between them.
    fn accept(&mut self) {
        for _ in 0..MOST {
            match self.listener.accept() {
                Ok((stream, _)) if stream.set_nonblocking(true).is_ok() => {
                    self.clients.push(Client {
                        stream,
                        came: Instant::now(),
                        state: State::Asking(Vec::new()),
                    });
                    if self.clients.len() > MOST {
                        self.clients.remove(0);
                    }
                }
                Ok(_) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // There are no more files to be had: asking again at once would not help.
                Err(_) => return std::thread::sleep(MOMENT),
            }
        }
    }
}

impl Client {
    /// Does what can be done without waiting; whether there is more to be done.
    fn goes_on(&mut self, metrics: &mut Metrics) -> bool {
        self.step(metrics).unwrap_or_else(|error| error.kind() == ErrorKind::WouldBlock)
    }

    fn step(&mut self, metrics: &mut Metrics) -> io::Result<bool> {
        let mut chunk = [0; LONGEST];
        loop {
            match &mut self.state {
                State::Asking(bytes) => {
                    let count = again(|| self.stream.read(&mut chunk))?;
                    if count == 0 {
                        return Ok(false);
                    }
                    bytes.extend_from_slice(&chunk[..count]);
                    if let Some(asked) = parse(bytes) {
                        self.state = State::Answering(answer(asked, || metrics.get()), 0);
                    }
                }
                State::Answering(bytes, sent) if *sent == bytes.len() => {
                    self.stream.shutdown(Shutdown::Write)?;
                    self.state = State::Leaving;
                }
                State::Answering(bytes, sent) => *sent += again(|| self.stream.write(&bytes[*sent..]))?,
                State::Leaving => {
                    if again(|| self.stream.read(&mut chunk))? == 0 {
                        return Ok(false);
                    }
                    // One that sends without end is not read without end.
                    return Ok(true);
                }
            }
        }
    }
}

/// A call that a signal may interrupt.
fn again(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// Runs a server with that page, for as long as `clients` takes.
    fn serve(page: &str, patience: Duration, clients: impl FnOnce(SocketAddr)) {
        let page = page.to_owned();
        serve_gathered(move || page.clone(), patience, Duration::ZERO, clients);
    }

    /// The same of one whose page is gathered so, at most once in that time.
    fn serve_gathered(
        gather: impl Fn() -> String + Send + 'static,
        patience: Duration,
        fresh: Duration,
        clients: impl FnOnce(SocketAddr),
    ) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has one");
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                Server::new(listener, patience, fresh, gather)
                    .and_then(|server| server.run(&stop))
                    .expect("it goes on");
            });
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| clients(address)));
            stop.store(true, Ordering::Relaxed);
            if let Err(panic) = ended {
                std::panic::resume_unwind(panic);
            }
        });
    }

    fn connect(address: SocketAddr) -> TcpStream {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(LONG)).expect("set");
        stream
    }

    /// All that comes, until the other side closes.
    fn rest(mut stream: &TcpStream) -> String {
        let mut said = Vec::new();
        if let Err(error) = stream.read_to_end(&mut said) {
            assert_ne!(error.kind(), ErrorKind::WouldBlock, "it keeps the connection");
        }
        String::from_utf8(said).expect("UTF-8")
    }

    #[test]
    fn who_sends_nothing_or_takes_nothing_is_sent_away() {
        let page = "x".repeat(16 << 20);
        serve(&page, Duration::from_millis(300), |address| {
            let silent = connect(address);
            let mut deaf = connect(address);
            deaf.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").expect("sent");
            let mut slow = connect(address);
            slow.write_all(b"GET /metr").expect("sent");
            assert_eq!(rest(&silent), "");
            assert_eq!(rest(&slow), "");
            std::thread::sleep(Duration::from_millis(300));
            assert!(rest(&deaf).len() < page.len());
        });
    }

    #[test]
    fn a_crowd_that_says_nothing_keeps_nobody_from_an_answer() {
        serve("page 1\n", LONG, |address| {
            let crowd: Vec<_> = (0..=MOST).map(|_| connect(address)).collect();
            let mut client = connect(address);
            client.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
            let said = rest(&client);
            assert!(said.starts_with("HTTP/1.1 200 OK\r\n") && said.ends_with("\r\n\r\npage 1\n"), "{said}");
            assert_eq!(rest(&crowd[0]), "", "who has taken longest makes room");
        });
    }
    #[test]
    fn whoever_asks_again_and_again_does_not_make_it_gather_again_and_again() {
        for (fresh, most) in [(LONG, 1), (Duration::ZERO, 20)] {
            let gathered = Arc::new(AtomicU64::new(0));
            let count = Arc::clone(&gathered);
            let gather = move || format!("page {}\n", count.fetch_add(1, Ordering::Relaxed));
            serve_gathered(gather, LONG, fresh, |address| {
                for number in 0..20 {
                    let mut client = connect(address);
                    client.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").expect("sent");
                    let page = format!("\r\n\r\npage {}\n", number.min(most - 1));
                    assert!(rest(&client).ends_with(&page), "not {page:?}");
                }
            });
            assert_eq!(gathered.load(Ordering::Relaxed), most);
        }
    }
}
