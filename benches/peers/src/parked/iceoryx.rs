//! iceoryx2's publish and subscribe with an event for each message, which is how its subscribers can sleep.

use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::{Node, ServiceName, ipc};
use iceoryx2::service::port_factory::event::PortFactory;

use super::{Bed, LONGEST, Message, Sleeper, WORDS, ways};
use crate::links::{iceoryx_node, publisher, service, subscriber};

pub(super) struct Services;

pub(super) struct Both {
    out: (Publisher<ipc::Service, Message, ()>, Notifier<ipc::Service>),
    back: (Subscriber<ipc::Service, Message, ()>, Listener<ipc::Service>),
}

impl Sleeper for Both {
    #[inline]
    fn say(&mut self, message: &Message) {
        let (publisher, notifier) = &self.out;
        let loan = publisher.loan_uninit().expect("memory for a message");
        loan.write_payload(*message).send().expect("a connection");
        notifier.notify().expect("a listener");
    }

    #[inline]
    fn hear(&mut self, mut look: impl FnMut(&Message)) -> bool {
        let (subscriber, listener) = &self.back;
        loop {
            if let Some(message) = subscriber.receive().expect("a connection") {
                look(message.payload());
                return true;
            }
            if listener.timed_wait(|_| (), LONGEST).expect("a listener") == 0 {
                return false;
            }
        }
    }
}

fn event(node: &Node<ipc::Service>, way: &str) -> PortFactory<ipc::Service> {
    let name = ServiceName::new(&format!("{way}-event")).expect("a name");
    node.service_builder(&name).event().open_or_create().expect("a service")
}

impl Bed for Services {
    const NAME: &'static str = "iceoryx2, with events";
    type Sleeper = Both;

    fn open(run: &str, first: bool) -> Both {
        let node = iceoryx_node(run);
        let [out, back] = ways(first);
        let notifier = event(&node, out).notifier_builder().create().expect("a notifier");
        let listener = event(&node, back).listener_builder().create().expect("a listener");
        Both {
            out: (publisher(&service::<WORDS>(&node, out)), notifier),
            back: (subscriber(&service::<WORDS>(&node, back)), listener),
        }
    }
}
