//! iceoryx2's publish and subscribe: each message is written to memory that was borrowed for it, as its documentation has
//! it for the least work.

use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::{
    BackpressureStrategy, Config, FileName, LogLevel, Node, NodeBuilder, Path, SemanticString, ServiceName,
    ipc, set_log_level,
};
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;

use super::{At, Inlet, Link, Outlet};
use crate::CAPACITY;

pub(super) struct Single;

/// Of the names of all that it makes in shared memory, and the directory for the rest: some of it stays there.
fn prefix(run: &str) -> String {
    format!("iox2-{run}-")
}

fn root(run: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(prefix(run))
}

/// Of this process.
pub(crate) fn node(run: &str) -> Node<ipc::Service> {
    set_log_level(LogLevel::Error);
    let mut config = Config::default();
    config.global.prefix = FileName::new(prefix(run).as_bytes()).expect("a file name");
    let root = root(run);
    config.global.set_root_path(&Path::new(root.as_os_str().as_encoded_bytes()).expect("a path"));
    NodeBuilder::new().config(&config).create::<ipc::Service>().expect("a node")
}

/// Removes what stays on disk, once nobody uses it any more.
pub(super) fn clean(run: &str) {
    let _ = std::fs::remove_dir_all(root(run));
}

pub(crate) type Service<const N: usize> = PortFactory<ipc::Service, [u64; N], ()>;

/// One publisher, one subscriber, and as many messages as the others hold, none of which is overwritten.
pub(crate) fn service<const N: usize>(node: &Node<ipc::Service>, name: &str) -> Service<N> {
    let builder =
        node.service_builder(&ServiceName::new(name).expect("a name")).publish_subscribe::<[u64; N]>();
    let builder = builder.max_publishers(1).max_subscribers(1).enable_safe_overflow(false).history_size(0);
    let builder = builder.subscriber_max_buffer_size(CAPACITY).subscriber_max_borrowed_samples(1);
    builder.open_or_create().expect("a service")
}

pub(crate) fn publisher<const N: usize>(service: &Service<N>) -> Publisher<ipc::Service, [u64; N], ()> {
    let builder = service.publisher_builder().max_loaned_samples(1);
    builder.backpressure_strategy(BackpressureStrategy::DiscardData).create().expect("a publisher")
}

pub(crate) fn subscriber<const N: usize>(service: &Service<N>) -> Subscriber<ipc::Service, [u64; N], ()> {
    service.subscriber_builder().buffer_size(CAPACITY).create().expect("a subscriber")
}

fn of<const N: usize>(at: &At) -> Service<N> {
    service(&node(&at.run), &at.channel)
}

/// What does not fit is not delivered, and sent again.
pub(super) struct Out<const N: usize>(Publisher<ipc::Service, [u64; N], ()>);
pub(super) struct In<const N: usize>(Subscriber<ipc::Service, [u64; N], ()>);

impl<const N: usize> Outlet<N> for Out<N> {
    #[inline]
    fn send(&mut self, first: u64, _most: u64) -> u64 {
        let Ok(loan) = self.0.loan_uninit() else { return 0 };
        loan.write_payload([first; N]).send().expect("a connection") as u64
    }
}

impl<const N: usize> Inlet<N> for In<N> {
    #[inline]
    fn recv(&mut self, mut look: impl FnMut(&[u64; N])) -> u64 {
        self.0.receive().expect("a connection").map_or(0, |message| {
            look(message.payload());
            1
        })
    }
}

impl<const N: usize> Link<N> for Single {
    const NAME: &'static str = "iceoryx2";
    type Out = Out<N>;
    type In = In<N>;

    fn outlet(at: &At) -> Self::Out {
        Out(publisher(&of(at)))
    }

    fn inlet(at: &At) -> Self::In {
        In(subscriber(&of(at)))
    }
}
