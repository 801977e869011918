fn main() {
    let map = ringway::map::MapOptions::new().capacity(8).anonymous().unwrap();
    let view = map.accessor().unwrap();
    #[cfg(not(feature = "fixed"))]
    view.read::<*const u8>(0).unwrap(); //~ ERROR: the trait bound `*const u8: bytemuck::anybitpattern::AnyBitPattern` is not satisfied
    #[cfg(feature = "fixed")]
    view.read::<u64>(0).unwrap();
}
