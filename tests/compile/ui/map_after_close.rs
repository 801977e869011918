fn main() {
    let map = ringway::map::MapOptions::new().capacity(8).anonymous().unwrap();
    #[cfg(not(feature = "fixed"))]
    map.close().unwrap();
    map.accessor().unwrap(); //~ ERROR: borrow of moved value: `map`
}
