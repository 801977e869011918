//! Maps without a name in another process.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering};

use ringway::map::{Access, Error, ErrorKind, MapKind, MapOptions, RequiredCapacity, Rights, SharedMap};

use crate::testing::{Child, Role, TempNamespace};
use crate::{DIR, anonymous, assert_denied, assert_kind, bytes, counted, file, options, role_options};

/// The variable that tells a role its descriptor.
const FD: &str = "RINGWAY_TEST_FD";

pub(crate) fn pass(map: &SharedMap, options: MapOptions) -> Result<SharedMap, Error> {
    let (here, there) = UnixStream::pair().expect("made");
    map.send_over(&here).expect("sent");
    drop(here);
    options.receive_from(&there)
}

#[test]
fn a_map_that_was_sent_is_the_same_memory_of_the_same_capacity() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(10_000));
    for (map, kind) in [
        (anonymous(10_000), MapKind::Anonymous),
        (SharedMap::from_path(&path).expect("mapped"), MapKind::File),
    ] {
        let received = pass(&map, MapOptions::new()).expect("received");
        assert_eq!((received.capacity(), received.kind(), received.name()), (10_000, kind, None));
        received.accessor().expect("all").write(9999, &0xee_u8).expect("within");
        assert_eq!(bytes(&map)[9999], 0xee);
        drop(map);
        assert_eq!(bytes(&received)[9999], 0xee, "it keeps the memory");
        assert!(rustix::io::fcntl_getfd(&received).expect("open").contains(rustix::io::FdFlags::CLOEXEC));
    }
}

#[test]
fn whoever_receives_a_map_may_do_no_more_than_who_sent_it() {
    let reader = MapOptions::new().capacity(100).access(Access::Read).anonymous().expect("made");
    let received = pass(&reader, MapOptions::new()).expect("received");
    assert_denied(received.accessor());
    assert_eq!(received.rights(), Rights::READ | Rights::COPY_ON_WRITE);
    assert_eq!(bytes(&received), [0; 100]);
    // Nor can its descriptor.
    let flags = rustix::fs::fcntl_getfl(&received).expect("open");
    assert_eq!(flags & rustix::fs::OFlags::ACCMODE, rustix::fs::OFlags::RDONLY);
    let writer = anonymous(100);
    let received = pass(&writer, MapOptions::new().access(Access::Read)).expect("received");
    assert_denied(received.accessor());
    assert_denied(received.access_control());
    let private = MapOptions::new().capacity(100).access(Access::CopyOnWrite).anonymous().expect("made");
    let received = pass(&private, MapOptions::new()).expect("received");
    received.view(..).copy_on_write().accessor().expect("allowed").write(0, &1_u8).expect("private");
    assert_eq!(bytes(&private)[0], 0);
}

#[test]
fn what_is_no_map_or_not_the_one_that_was_wanted_is_refused() {
    let foreign = |text: &str, send: &dyn Fn(&mut UnixStream)| {
        let (mut here, there) = UnixStream::pair().expect("made");
        send(&mut here);
        drop(here);
        let error = MapOptions::new().receive_from(&there).expect_err("no map");
        assert!(matches!(error.kind(), ErrorKind::Foreign { .. }), "{error}");
        assert!(error.to_string().contains(text), "{error}");
    };
    foreign("found the end of the stream", &|_| ());
    foreign("found another message", &|here| here.write_all(&[7; 32]).expect("sent"));
    foreign("found another message", &|here| here.write_all(b"RINGWPAS").expect("sent"));
    foreign("found another message", &|here| {
        // Without a descriptor.
        let mut message = [0; 32];
        message[..8].copy_from_slice(b"RINGWPAS");
        message[8] = 1;
        here.write_all(&message).expect("sent");
    });
    let expected = RequiredCapacity::Exact(99);
    assert_kind(
        pass(&anonymous(100), MapOptions::new().require_capacity(expected)),
        |kind| *kind == ErrorKind::CapacityMismatch { found: 100, expected },
        io::ErrorKind::InvalidData,
    );
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(100));
    let map = SharedMap::from_path(&path).expect("mapped");
    let (here, there) = UnixStream::pair().expect("made");
    map.send_over(&here).expect("sent");
    File::options().write(true).open(&path).expect("ours").set_len(99).expect("shorter");
    let truncated = MapOptions::new().receive_from(&there);
    assert_kind(
        truncated,
        |kind| matches!(kind, ErrorKind::Truncated { found: 99, expected: 100 }),
        io::ErrorKind::InvalidData,
    );
    let named = options(&space).create_new("n").expect("created");
    let text = assert_kind(
        named.send_over(&here),
        |kind| matches!(kind, ErrorKind::Refused { .. }),
        io::ErrorKind::Unsupported,
    );
    assert!(text.contains("open it by its name in the other process"), "{text}");
}

/// Sends that descriptor as a map of that kind and of a page.
fn send_as(socket: &UnixStream, fd: impl AsFd, kind: u8) {
    send(socket, fd, &message_of(kind));
}

fn message_of(kind: u8) -> [u8; 32] {
    let mut message = [0; 32];
    message[..8].copy_from_slice(b"RINGWPAS");
    message[9] = 16;
    message[16..20].copy_from_slice(&Rights::READ_WRITE.bits().to_le_bytes());
    message[24] = kind;
    message
}

fn send(socket: &UnixStream, fd: impl AsFd, message: &[u8]) {
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = rustix::net::SendAncillaryBuffer::new(&mut space);
    let fds = [fd.as_fd()];
    assert!(ancillary.push(rustix::net::SendAncillaryMessage::ScmRights(&fds)));
    let flags = rustix::net::SendFlags::empty();
    rustix::net::sendmsg(socket, &[io::IoSlice::new(message)], &mut ancillary, flags).expect("sent");
}

#[test]
fn a_descriptor_that_is_not_what_its_sender_says_is_refused() {
    const ANONYMOUS: u8 = 1;
    const FILE: u8 = 2;
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(4096));
    let receive = |fd: &dyn AsFd, kind| {
        let (here, there) = UnixStream::pair().expect("made");
        send_as(&here, fd.as_fd(), kind);
        MapOptions::new().receive_from(&there)
    };
    let kept = anonymous(4096);
    assert_eq!(receive(&kept, ANONYMOUS).expect("as it should be").capacity(), 4096);
    let data = File::options().read(true).write(true).open(&path).expect("ours");
    assert_eq!(bytes(&receive(&data, FILE).expect("as it should be")), counted(4096));
    // Memory that its sender can take away again.
    let flags = rustix::fs::MemfdFlags::CLOEXEC | rustix::fs::MemfdFlags::ALLOW_SEALING;
    let open = rustix::fs::memfd_create("open", flags).expect("there is memory");
    rustix::fs::ftruncate(&open, 4096).expect("there is memory");
    for loose in [&open as &dyn AsFd, &data] {
        let text = assert_kind(
            receive(loose, ANONYMOUS),
            |kind| matches!(kind, ErrorKind::Foreign { .. }),
            io::ErrorKind::InvalidData,
        );
        assert!(text.contains("found a map whose memory others could make shorter"), "{text}");
    }
    // A descriptor that can do less than its sender says.
    let reading = receive(&File::open(&path).expect("ours"), FILE).expect("for reading it will do");
    assert_eq!(reading.rights(), Rights::READ | Rights::COPY_ON_WRITE);
    assert_denied(reading.accessor());
    let writing = File::options().write(true).open(&path).expect("ours");
    let place = rustix::fs::open(&path, rustix::fs::OFlags::PATH, rustix::fs::Mode::empty()).expect("ours");
    for (useless, why) in [(&writing as &dyn AsFd, "that cannot read"), (&place, "of nothing but a path")] {
        let refused = receive(useless, FILE);
        let foreign = |kind: &ErrorKind| matches!(kind, ErrorKind::Foreign { .. });
        let text = assert_kind(refused, foreign, io::ErrorKind::InvalidData);
        assert!(text.contains(&format!("found a descriptor {why}")), "{text}");
    }
    let directory = File::open(space.path()).expect("ours");
    let (pipe, _end) = rustix::pipe::pipe().expect("made");
    for none in [&directory as &dyn AsFd, &pipe] {
        let kind = |kind: &ErrorKind| matches!(kind, ErrorKind::NotMappable { .. });
        assert_kind(receive(none, FILE), kind, io::ErrorKind::Unsupported);
    }
}

#[test]
fn a_message_is_taken_whole_and_from_its_first_byte_or_not_at_all() {
    let map = anonymous(4096);
    let whole = message_of(1);
    let mut other = whole;
    other[7] = b'?';
    for message in [&other[..], &whole[..31]] {
        let (here, there) = UnixStream::pair().expect("made");
        send(&here, &map, message);
        drop(here);
        let refused = MapOptions::new().receive_from(&there);
        let foreign = |kind: &ErrorKind| matches!(kind, ErrorKind::Foreign { .. });
        let text = assert_kind(refused, foreign, io::ErrorKind::InvalidData);
        assert!(text.contains("found another message"), "{text}");
        assert!(text.contains("send maps alone over this socket"), "{text}");
    }
}

static MET: AtomicU32 = AtomicU32::new(0);

extern "C" fn meet(_: libc::c_int) {
    MET.fetch_add(1, Ordering::SeqCst);
}

#[test]
#[allow(unsafe_code)] // installs a handler, and sends its signal to a thread
fn signals_do_not_interrupt_the_wait_for_a_map() {
    // SAFETY: a plain struct.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = meet as extern "C" fn(libc::c_int) as usize;
    // SAFETY: the handler has the signature of its flags, and adds to a number.
    assert_eq!(unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) }, 0);
    let (here, there) = UnixStream::pair().expect("made");
    std::thread::scope(|scope| {
        let (tell, told) = std::sync::mpsc::channel();
        let receiving = scope.spawn(move || {
            // SAFETY: has no preconditions.
            tell.send(unsafe { libc::pthread_self() }).expect("somebody waits for it");
            MapOptions::new().receive_from(&there)
        });
        let thread = told.recv().expect("it is there");
        while MET.load(Ordering::SeqCst) < 100 && !receiving.is_finished() {
            // SAFETY: it was not joined yet.
            unsafe { libc::pthread_kill(thread, libc::SIGUSR1) };
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        anonymous(10).send_over(&here).expect("somebody waits for it");
        assert_eq!(receiving.join().expect("it returns").expect("received").capacity(), 10);
    });
}

#[test]
fn role_heir() {
    let Some(mut role) = Role::play() else { return };
    let number = role.var(FD).parse().expect("a number");
    #[allow(unsafe_code)]
    // SAFETY: asks of a number whether it is a descriptor.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } == -1 {
        return role.say("no such descriptor");
    }
    #[allow(unsafe_code)]
    // SAFETY: the parent left this descriptor open for this process, and nobody else takes it.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    let map = MapOptions::new().from_file(File::from(fd)).expect("mapped");
    map.accessor().expect("all").write(0, &43_u8).expect("within");
    role.say(&format!("{} {}", map.capacity(), bytes(&map)[1]));
}

#[test]
fn a_child_inherits_the_descriptor_of_a_map_that_lets_it() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &[0; 5000]);
    let named = options(&space).capacity(5000).inheritable().create_new("n").expect("created");
    let maps = [
        MapOptions::new().capacity(5000).inheritable().anonymous().expect("made"),
        MapOptions::new().inheritable().open_path(&path).expect("mapped"),
    ];
    for map in &maps {
        map.accessor().expect("all").write(1, &42_u8).expect("within");
        let fd = map.as_raw_fd().to_string();
        let mut child = Child::spawn("passing::role_heir", &[(FD, &fd)]);
        assert_eq!(child.hear(), "5000 42");
        child.wait_success();
        assert_eq!(bytes(map)[0], 43);
    }
    let flags = |map: &SharedMap| rustix::io::fcntl_getfd(map).expect("open");
    assert!(flags(&named).is_empty());
    let private = anonymous(5000);
    assert_eq!(flags(&private), rustix::io::FdFlags::CLOEXEC);
    let mut child = Child::spawn("passing::role_heir", &[(FD, private.as_raw_fd().to_string())]);
    assert_eq!(child.hear(), "no such descriptor");
    child.wait_success();
}

/// Forks; the child says whether it has the byte, by its status.
#[allow(unsafe_code)] // forks, and reads in the child
fn child_reads(address: *const u8) -> i32 {
    // SAFETY: the child makes three system calls and reads one byte, or dies of it.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: as above; whether the byte is there is what this asks.
        let byte = unsafe { address.read_volatile() };
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(i32::from(byte)) };
    }
    let mut status = 0;
    // SAFETY: `status` is valid for the write.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -libc::WTERMSIG(status) }
}

#[test]
fn role_forker() {
    let Some(mut role) = Role::play() else { return };
    let own = anonymous(4096);
    let inherited = MapOptions::new().capacity(4096).inheritable().anonymous().expect("made");
    let named = role_options(&role).inheritable().create_new("n").expect("created");
    for (map, expected) in [(&own, -libc::SIGSEGV), (&inherited, 42), (&named, 42)] {
        let view = map.accessor().expect("all");
        view.write(0, &42_u8).expect("within");
        assert_eq!(child_reads(view.as_ptr()), expected);
        assert_eq!(view.read::<u8>(0), Ok(42), "the parent's view is as it was");
    }
    role.say("done");
}

#[test]
fn a_forked_child_has_the_views_of_inheritable_maps_only() {
    let space = TempNamespace::new();
    let mut child = Child::spawn("passing::role_forker", &[(DIR, space.path())]);
    assert_eq!(child.hear(), "done");
    child.wait_success();
    space.assert_empty();
}

#[test]
fn a_device_has_no_length_for_whoever_receives_it_either() {
    let device =
        MapOptions::new().capacity(4096).access(Access::Read).open_path("/dev/zero").expect("mapped");
    let received = pass(&device, MapOptions::new().access(Access::Read)).expect("received");
    assert_eq!(received.refresh().expect("a device has no length"), 4096);
    match received.view(..).read_only().accessor() {
        Ok(view) => assert_eq!(view.read::<u8>(4095), Ok(0)),
        Err(error) => assert!(!matches!(error.kind(), ErrorKind::Truncated { .. }), "{error}"),
    }
}
