//! For how long a name lives.

use std::io;

use ringway::map::{AccessError, Disposition, ErrorKind, MapKind, MapOptions, Rights};

use crate::testing::{Child, Role, TempNamespace};
use crate::{
    DIR, anonymous, assert_denied, assert_kind, assert_not_found, assert_taken, bytes, options, role_options,
};

#[test]
fn a_view_alone_keeps_the_name_and_there_are_never_two_maps_of_it() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("n").expect("created");
    let view = map.accessor().expect("all");
    view.write(0, &7_u8).expect("within");
    drop(map);
    assert_taken(options(&space).create_new("n"));
    let (twin, how) = options(&space).create_or_open("n").expect("there");
    assert_eq!((how, bytes(&twin)[0]), (Disposition::Opened, 7));
    drop(twin);
    let stream = options(&space).open("n").expect("there").stream().expect("all");
    drop(view);
    assert_eq!(space.files(), ["n"]);
    drop(stream);
    space.assert_empty();
    assert_not_found(options(&space).open("n"));
}

#[test]
fn role_viewer() {
    let Some(mut role) = Role::play() else { return };
    let view = role_options(&role).open("n").expect("there").accessor().expect("all");
    role.say("has a view");
    role.hear();
    assert_eq!(view.read::<u8>(0), Ok(7));
}

#[test]
fn a_view_in_another_process_keeps_the_name_until_that_ends_or_is_killed() {
    let space = TempNamespace::new();
    for killed in [false, true] {
        let map = options(&space).create_new("n").expect("free");
        map.accessor().expect("all").write(0, &7_u8).expect("within");
        let mut viewer = Child::spawn("lifetime::role_viewer", &[(DIR, space.path())]);
        assert_eq!(viewer.hear(), "has a view");
        drop(map);
        assert_taken(options(&space).create_new("n"));
        if killed {
            viewer.kill_running();
        } else {
            viewer.tell("leave");
            viewer.wait_success();
            space.assert_empty();
        }
    }
    let (map, how) = options(&space).create_or_open("n").expect("a leftover is no map");
    assert_eq!((how, bytes(&map)[0]), (Disposition::Created, 0));
}

#[test]
fn a_name_that_was_taken_away_is_free_and_its_holders_keep_their_map() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("n").expect("created");
    map.accessor().expect("all").write(0, &7_u8).expect("within");
    let twin = options(&space).open("n").expect("there");
    assert_denied(twin.unlink());
    let entitled = options(&space).rights(Rights::READ | Rights::DELETE).open("n").expect("there");
    entitled.unlink().expect("it has the right");
    space.assert_empty();
    assert_eq!(bytes(&twin)[0], 7);
    let new = options(&space).create_new("n").expect("free");
    drop((map, twin, entitled));
    assert_eq!((space.files(), bytes(&new)[0]), (vec!["n".to_owned()], 0), "its name is not theirs");
    new.unlink().expect("a creator has all rights");
    new.unlink().expect("nothing is left to do");
    let text = assert_kind(
        anonymous(1).unlink(),
        |kind| matches!(kind, ErrorKind::Refused { .. }),
        io::ErrorKind::Unsupported,
    );
    assert!(text.starts_with("anonymous map: found a map without a name"), "{text}");
}

#[test]
fn a_map_tells_what_it_is() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("n").expect("created");
    assert_eq!((map.kind(), map.path()), (MapKind::Named, Some(&*space.path().join("n"))));
    let view = map.view(5..10).read_only().accessor().expect("within");
    assert_eq!((view.map().name(), view.offset(), view.check()), (Some("n"), 5, Ok::<(), AccessError>(())));
    let text = format!("{map:?} {view:?} {:?}", map.stream().expect("all"));
    assert!(text.contains("Named") && text.contains("\"n\"") && text.contains("position: 0"), "{text}");
    let unnamed = anonymous(10);
    assert_eq!(
        (unnamed.kind(), unnamed.name(), unnamed.namespace(), unnamed.path()),
        (MapKind::Anonymous, None, None, None)
    );
    let fd = map.try_clone_fd().expect("duplicated");
    drop((map, view));
    drop(fd);
    let fd = unnamed.try_clone_fd().expect("duplicated");
    unnamed.accessor().expect("all").write(0, &9_u8).expect("within");
    drop(unnamed);
    let again = MapOptions::new().from_file(fd.into()).expect("a descriptor keeps the memory");
    assert_eq!((again.capacity(), bytes(&again)[0]), (10, 9));
}

#[test]
fn maps_views_and_streams_can_be_sent_to_and_shared_among_threads() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    let map = anonymous(10);
    is_send_and_sync(&map);
    is_send_and_sync(&map.accessor().expect("all"));
    is_send_and_sync(&map.view(..).access(ringway::map::Access::CopyOnWrite).stream().expect("all"));
    let view = map.accessor().expect("all");
    std::thread::spawn(move || view.write(0, &7_u8)).join().expect("it ends").expect("within");
    assert_eq!(bytes(&map)[0], 7);
}
