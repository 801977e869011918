fn main() {
    let map = ringway::map::MapOptions::new().capacity(8).anonymous().unwrap();
    let stream = map.stream().unwrap();
    #[cfg(not(feature = "fixed"))]
    stream.set_len(9).unwrap(); //~ ERROR: no method named `set_len` found
    #[cfg(feature = "fixed")]
    stream.len();
}
