//! iceoryx2, where each side has its node already, as a process that has other services does.

use super::{Life, WORDS};
use crate::links::{iceoryx_node, publisher, service, subscriber};

pub(super) fn life(run: &str) -> Life {
    let [here, there] = [iceoryx_node(run), iceoryx_node(run)];
    Box::new(move |channel, done| {
        let channel = format!("{channel}-at-hand");
        let first = service::<WORDS>(&here, &channel);
        let outlet = publisher(&first);
        done();
        let second = service::<WORDS>(&there, &channel);
        let inlet = subscriber(&second);
        done();
        drop((inlet, second));
        done();
        drop((outlet, first));
        done();
    })
}
