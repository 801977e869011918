//! What the compiler would refuse as well, and so no program can show.

use syn::{DeriveInput, parse_quote};

#[track_caller]
fn refused(input: &DeriveInput, said: &str) {
    let error = super::expand(input).expect_err("a refusal").to_string();
    assert!(error.starts_with(said), "{error}");
}

#[test]
fn a_struct_has_no_repr_that_is_unknown() {
    refused(
        &parse_quote!(
            #[repr(C, simd)]
            struct S {
                a: u8,
            }
        ),
        "`S` has `repr(simd)`",
    );
    refused(
        &parse_quote!(
            #[repr(C)]
            #[repr(u8)]
            struct S {
                a: u8,
            }
        ),
        "`S` has `repr(u8)`",
    );
    refused(
        &parse_quote!(
            #[repr(C, new::word(4))]
            struct S {
                a: u8,
            }
        ),
        "`S` has `repr(new::word)`",
    );
}

#[test]
fn an_enum_has_one_repr() {
    for (input, said) in [
        (
            parse_quote!(
                #[repr(u8, u16)]
                enum E {
                    A,
                }
            ),
            "enum `E` has a second `repr`, which is `u16`",
        ),
        (
            parse_quote!(
                #[repr(u8)]
                #[repr(u8)]
                enum E {
                    A,
                }
            ),
            "enum `E` has a second `repr`, which is `u8`",
        ),
        (
            parse_quote!(
                #[repr(u8, packed)]
                enum E {
                    A,
                }
            ),
            "enum `E` has `repr(packed)`",
        ),
        (
            parse_quote!(
                #[repr(transparent)]
                enum E {
                    A,
                }
            ),
            "enum `E` has `repr(transparent)`",
        ),
        (
            parse_quote!(
                #[repr(u8, C)]
                enum E {
                    A,
                }
            ),
            "enum `E` has `repr(C)`",
        ),
    ] {
        refused(&input, said);
    }
}

#[test]
fn a_raw_word_is_the_word() {
    refused(
        &parse_quote!(
            #[r#repr(r#C, r#packed)]
            struct S {
                a: u8,
            }
        ),
        "`S` is packed",
    );
    refused(
        &parse_quote!(
            #[r#repr(C)]
            #[repr(r#align(8192))]
            struct S {
                a: u8,
            }
        ),
        "`S` asks for",
    );
    refused(
        &parse_quote!(
            #[repr(u8)]
            #[repr(r#align(4))]
            enum E {
                A,
            }
        ),
        "enum `E` asks for",
    );
    refused(
        &parse_quote!(
            #[repr(r#i8)]
            enum E {
                A,
            }
        ),
        "enum `E` has `repr(i8)`",
    );
    refused(
        &parse_quote!(
            #[r#message(r#name = "")]
            #[repr(C)]
            struct S {
                a: u8,
            }
        ),
        "a stable name has",
    );
    refused(
        &parse_quote!(
            #[repr(C)]
            struct S {
                #[r#message(checked)]
                a: u8,
            }
        ),
        "`message` has no meaning here",
    );
}

#[test]
fn a_stable_name_prints_and_is_not_that_of_a_primitive() {
    for name in ["\u{202e}a", "a\u{200b}", "\n", "\u{301}"] {
        refused(
            &parse_quote!(
                #[message(name = #name)]
                #[repr(C)]
                struct S {
                    a: u8,
                }
            ),
            "a stable name has",
        );
    }
    for name in ["größe", "it's \"one\"", "a\u{301}"] {
        assert!(
            super::expand(&parse_quote!(
                #[message(name = #name)]
                #[repr(C)]
                struct S {
                    a: u8,
                }
            ))
            .is_ok()
        );
    }
    refused(
        &parse_quote!(
            #[message(name = "u8")]
            #[repr(C)]
            struct S {
                a: u8,
            }
        ),
        "`u8` is the name of",
    );
    refused(
        &parse_quote!(
            #[repr(C)]
            struct f64 {
                a: u8,
            }
        ),
        "`f64` is the name of",
    );
    assert!(
        super::expand(&parse_quote!(
            #[message(name = "F")]
            #[repr(C)]
            struct f64 {
                a: u8,
            }
        ))
        .is_ok()
    );
}
