//! The table of the acceptance cases in `docs/mapping.md`, compared with the tests.

use crate::documents::{read, table};

const PAGE: &str = "docs/mapping.md";

/// The cases that there are. Their numbers have gaps.
const CASES: [u32; 89] = [
    1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 16, 17, 18, 19, 21, 22, 24, 25, 28, 30, 31, 32, 33, 34, 36, 37, 38, 39,
    40, 41, 44, 46, 48, 49, 50, 51, 52, 53, 54, 55, 56, 58, 59, 62, 64, 66, 68, 70, 71, 72, 74, 76, 79, 80,
    81, 83, 85, 86, 87, 88, 94, 96, 98, 99, 101, 102, 105, 106, 107, 108, 109, 111, 114, 115, 117, 118, 120,
    122, 127, 130, 133, 134, 137, 139, 141, 143, 144, 145, 147,
];

#[test]
fn every_case_is_in_the_table_with_a_test_that_there_is() {
    let rows = table(PAGE, "Acceptance cases");
    let numbers: Vec<u32> = rows.iter().map(|row| row[0].parse().expect("a number")).collect();
    assert_eq!(numbers, CASES);
    for row in rows {
        assert!(row[1].len() > 10, "case {} says nothing", row[0]);
        let tests: Vec<_> = row[2].split_whitespace().collect();
        assert!(!tests.is_empty(), "case {} has no test", row[0]);
        for test in tests {
            match test.strip_prefix("tests/compile/ui/") {
                Some(_) => assert!(read(test).contains("//~ ERROR: "), "{test} is no case"),
                None => {
                    let (file, test) = test.split_once("::").expect("file::test");
                    assert!(
                        read(file).contains(&format!("#[test]\nfn {test}()")),
                        "{file} has no test `{test}`"
                    );
                }
            }
        }
    }
}
