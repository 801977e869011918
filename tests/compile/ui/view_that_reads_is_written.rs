fn main() {
    let map = ringway::map::MapOptions::new().capacity(8).anonymous().unwrap();
    #[cfg(not(feature = "fixed"))]
    let view = map.view(..).read_only().accessor().unwrap();
    #[cfg(feature = "fixed")]
    let view = map.view(..).read_write().accessor().unwrap();
    view.write(0, &1_u8).unwrap(); //~ ERROR: the method `write` exists for struct `View<ReadOnly>`, but its trait bounds were not satisfied
}
