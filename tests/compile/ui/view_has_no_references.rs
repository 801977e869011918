fn main() {
    let map = ringway::map::MapOptions::new().capacity(8).anonymous().unwrap();
    let view = map.accessor().unwrap();
    #[cfg(not(feature = "fixed"))]
    view.write(0, &"text").unwrap(); //~ ERROR: NoUninit` is not satisfied
    #[cfg(feature = "fixed")]
    view.write(0, b"text").unwrap();
}
