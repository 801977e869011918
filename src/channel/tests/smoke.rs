use crate::spsc;

#[test]
fn a_heap_channel_passes_messages() {
    let (mut tx, mut rx) = spsc::in_process::<u64>(4).unwrap();
    for i in 0..100 {
        tx.send(i).unwrap();
        assert_eq!(rx.recv(), Ok(i));
    }
    drop(tx);
    assert!(rx.recv().is_err());
}

#[test]
fn a_named_channel_passes_messages() {
    let namespace = crate::testing::TempNamespace::new();
    let channel = || spsc::channel::<[u64; 8]>("smoke").namespace(namespace.namespace()).capacity(3);
    let mut tx = channel().sender().unwrap();
    let mut rx = channel().receiver().unwrap();
    for i in 0..100 {
        tx.send([i; 8]).unwrap();
        assert_eq!(rx.recv(), Ok([i; 8]));
    }
    println!("{}", channel().sender().unwrap_err());
}
