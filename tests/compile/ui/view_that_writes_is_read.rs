fn main() {
    let map = ringway::map::MapOptions::new().capacity(8).anonymous().unwrap();
    #[cfg(not(feature = "fixed"))]
    let view = map.view(..).write_only().accessor().unwrap();
    #[cfg(feature = "fixed")]
    let view = map.view(..).read_write().accessor().unwrap();
    view.read::<u8>(0).unwrap(); //~ ERROR: the method `read` exists for struct `View<WriteOnly>`, but its trait bounds were not satisfied
}
