//! Sequences of operations beside a model: those of the corpus, and random ones.

#[path = "../../fuzz/operations.rs"]
mod operations;

use std::fs;
use std::path::Path;

#[test]
fn the_corpus_goes_as_the_model_says() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/operations");
    let inputs: Vec<_> =
        fs::read_dir(corpus).expect("it is there").map(|entry| entry.expect("readable").path()).collect();
    assert!(inputs.len() >= 32, "only {} inputs were found", inputs.len());
    for path in inputs {
        println!("{}", path.display());
        operations::run(&fs::read(path).expect("readable"));
    }
}

#[test]
fn random_sequences_go_as_the_model_says() {
    let mut random = 0x5eed_u64;
    let mut draw = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random >> 33
    };
    for _ in 0..300 {
        let input: Vec<u8> = (0..draw() % 1500).map(|_| draw() as u8).collect();
        operations::run(&input);
    }
}
