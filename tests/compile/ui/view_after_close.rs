fn main() {
    let map = ringway::map::MapOptions::new().capacity(8).anonymous().unwrap();
    let view = map.accessor().unwrap();
    #[cfg(not(feature = "fixed"))]
    view.close().unwrap();
    view.read::<u8>(0).unwrap(); //~ ERROR: borrow of moved value: `view`
    #[cfg(feature = "fixed")]
    view.close().unwrap();
}
