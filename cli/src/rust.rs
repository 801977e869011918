//! A schema as the Rust that it came from: for whoever wants to write the other side.

use std::collections::HashMap;
use std::fmt::Write;

use ringway::message::{EnumTree, Primitive, SchemaTree, StructTree};

/// The definitions of all these types that need one, and of all that they are made of, each once.
pub(crate) fn definitions<'s>(schemas: impl IntoIterator<Item = &'s SchemaTree>) -> String {
    // What a definition itself names.
    let taken = [
        "Message", "Clone", "Copy", "Debug", "u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64",
        "i128",
    ];
    let taken =
        taken.into_iter().chain(["f32", "f64", "bool", "char"]).map(|name| (name.to_owned(), 2)).collect();
    let mut writer = Writer { known: HashMap::new(), taken, text: String::new() };
    schemas.into_iter().for_each(|schema| writer.define(schema));
    writer.text
}

struct Writer {
    /// What is defined already, by its encoding, and as what.
    known: HashMap<Vec<u8>, String>,
    /// Names that are taken, and the number that the next one of that name would have.
    taken: HashMap<String, u32>,
    text: String,
}

impl Writer {
    /// Parts first.
    fn define(&mut self, schema: &SchemaTree) {
        let stable = match schema {
            SchemaTree::Primitive(_) => return,
            SchemaTree::Array(array) => return self.define(array.element()),
            SchemaTree::Struct(structure) => structure.name(),
            SchemaTree::Enum(enumeration) => enumeration.name(),
        };
        let encoded = schema.encode();
        if self.known.contains_key(&encoded) {
            return;
        }
        if let SchemaTree::Struct(structure) = schema {
            structure.fields().iter().for_each(|field| self.define(field.schema()));
        }
        let name = self.free_name(stable);
        match schema {
            SchemaTree::Struct(structure) => self.structure(schema, structure, &name),
            SchemaTree::Enum(enumeration) => self.enumeration(enumeration, &name),
            SchemaTree::Primitive(_) | SchemaTree::Array(_) => {}
        }
        self.known.insert(encoded, name);
    }

    /// An identifier for a stable name such as `md.Tick`, which no other type here has.
    fn free_name(&mut self, stable: &str) -> String {
        let last = stable.rsplit(['.', ':', '/']).next().unwrap_or(stable);
        let base = identifier(last).unwrap_or_else(|| "Unnamed".to_owned());
        let mut name = base.clone();
        while self.taken.contains_key(&name) {
            let number = self.taken.entry(base.clone()).or_insert(2);
            name = format!("{base}{number}");
            *number += 1;
        }
        self.taken.insert(name.clone(), 2);
        name
    }

    fn name(&self, schema: &SchemaTree) -> String {
        match schema {
            SchemaTree::Primitive(primitive) => primitive.name().to_owned(),
            SchemaTree::Array(array) => format!("[{}; {}]", self.name(array.element()), array.len()),
            SchemaTree::Struct(_) | SchemaTree::Enum(_) => {
                self.known.get(&schema.encode()).cloned().unwrap_or_default()
            }
        }
    }

    fn structure(&mut self, schema: &SchemaTree, structure: &StructTree, name: &str) {
        let natural = structure.fields().iter().map(|field| field.schema().align()).max().unwrap_or(1);
        self.head(structure.name(), structure.version(), name, is_checked(schema));
        match schema.align() {
            align if align > natural => self.line(format_args!("#[repr(C, align({align}))]")),
            _ => self.line(format_args!("#[repr(C)]")),
        }
        let types: Vec<_> = structure.fields().iter().map(|field| self.name(field.schema())).collect();
        let is_tuple = !types.is_empty()
            && structure.fields().iter().enumerate().all(|(index, field)| field.name() == index.to_string());
        if is_tuple {
            self.line(format_args!("struct {name}({});\n", types.join(", ")));
            return;
        }
        self.line(format_args!("struct {name} {{"));
        let names: Vec<_> = structure.fields().iter().map(|field| field.name()).collect();
        for (index, (field, of)) in structure.fields().iter().zip(types).enumerate() {
            match identifier(field.name()) {
                Some(name) => self.line(format_args!("    {name}: {of}, // byte {}", field.offset())),
                None => {
                    let (called, offset) = (field.name(), field.offset());
                    let name = stand_in("field_", index, &names);
                    self.line(format_args!("    {name}: {of}, // byte {offset}; called {called:?}"));
                }
            }
        }
        self.line(format_args!("}}\n"));
    }

    fn enumeration(&mut self, enumeration: &EnumTree, name: &str) {
        self.head(enumeration.name(), enumeration.version(), name, true);
        self.line(format_args!("#[repr({})]", enumeration.repr().name()));
        self.line(format_args!("enum {name} {{"));
        let names: Vec<_> = enumeration.variants().iter().map(|variant| variant.name()).collect();
        for (index, variant) in enumeration.variants().iter().enumerate() {
            let (called, value) = (variant.name(), variant.value());
            match identifier(called) {
                Some(name) => self.line(format_args!("    {name} = {value},")),
                None => {
                    let name = stand_in("Variant", index, &names);
                    self.line(format_args!("    {name} = {value}, // called {called:?}"));
                }
            }
        }
        self.line(format_args!("}}\n"));
    }

    /// The attributes that say what the schema says.
    fn head(&mut self, stable: &str, version: u32, name: &str, checked: bool) {
        self.line(format_args!("#[derive(Message, Clone, Copy, Debug)]"));
        let mut said = Vec::new();
        if stable != name {
            said.push(format!("name = {stable:?}"));
        }
        if version != 0 {
            said.push(format!("version = {version}"));
        }
        if checked {
            said.push("checked".to_owned());
        }
        if !said.is_empty() {
            self.line(format_args!("#[message({})]", said.join(", ")));
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("a string takes everything");
    }
}

/// A name for one that Rust cannot have, and that no other one has.
fn stand_in(kind: &str, index: usize, names: &[&str]) -> String {
    let mut name = format!("{kind}{index}");
    while names.contains(&&*name) {
        name.push('_');
    }
    name
}

/// Whether not all bits are values.
fn is_checked(schema: &SchemaTree) -> bool {
    match schema {
        SchemaTree::Primitive(primitive) => matches!(primitive, Primitive::Bool | Primitive::Char),
        SchemaTree::Array(array) => is_checked(array.element()),
        SchemaTree::Struct(structure) => structure.fields().iter().any(|field| is_checked(field.schema())),
        SchemaTree::Enum(_) => true,
    }
}

/// The name as Rust has it, if it can have it.
fn identifier(name: &str) -> Option<String> {
    /// Those that are no identifiers by themselves.
    const KEYWORDS: &str = " abstract as async await become box break const continue do dyn else enum extern false final fn for \
        gen if impl in let loop macro match mod move mut override priv pub ref return static struct trait true try type typeof \
        unsafe unsized use virtual where while yield ";
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|first| first == '_' || first.is_alphabetic());
    let is_name = starts && chars.all(|char| char == '_' || char.is_alphanumeric());
    match name {
        "_" | "self" | "Self" | "super" | "crate" => None,
        _ if !is_name => None,
        _ if KEYWORDS.contains(&format!(" {name} ")) => Some(format!("r#{name}")),
        _ => Some(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use ringway::Message;
    use ringway::message::Schema;

    use super::*;

    /// What is written for the types below, compiled.
    #[allow(dead_code)]
    mod written {
        use ringway::Message;

        include!("../tests/data/book.rs");

        #[test]
        fn it_is_the_type_that_it_was_written_for() {
            let schema = super::Book::SCHEMA.tree();
            assert_eq!(super::definitions([&schema]), include_str!("../tests/data/book.rs"));
            let written = Book::SCHEMA.tree();
            assert!(ringway::message::first_difference(&schema, &written).is_none(), "{written:#}");
        }
    }

    #[derive(Message, Clone, Copy)]
    #[message(checked)]
    #[repr(u16)]
    #[allow(dead_code)]
    enum Side {
        Buy = 1,
        Sell = 700,
    }

    #[derive(Message, Clone, Copy)]
    #[repr(C)]
    struct Pair<T>(T, T);

    #[derive(Message, Clone, Copy)]
    #[message(name = "md.Book", version = 3, checked)]
    #[repr(C, align(64))]
    struct Book {
        r#type: u32,
        side: Side,
        is_open: bool,
        _pad: u8,
        small: Pair<u32>,
        large: [Pair<u64>; 2],
        name: [u8; 8],
        letter: char,
        _rest: [u8; 4],
    }

    #[test]
    fn what_needs_no_definition_has_none() {
        assert_eq!(definitions([&u64::SCHEMA.tree(), &<[[f32; 3]; 2]>::SCHEMA.tree()]), "");
    }

    #[test]
    fn names_that_rust_has_not_are_told() {
        // As another language may have written it: a struct `a b` with the fields `1st` and `self`.
        let mut bytes = vec![1, 0x41, 3];
        bytes.extend(b"a b");
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend(2_u64.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(2_u16.to_le_bytes());
        for (at, name) in [(0_u64, "1st"), (1, "self")] {
            bytes.push(name.len() as u8);
            bytes.extend(name.as_bytes());
            bytes.extend(at.to_le_bytes());
            bytes.push(0x01);
        }
        let schema = SchemaTree::decode(&bytes).expect("a schema");
        let written = "#[derive(Message, Clone, Copy, Debug)]\n#[message(name = \"a b\")]\n#[repr(C)]\nstruct Unnamed {\n    \
            field_0: u8, // byte 0; called \"1st\"\n    field_1: u8, // byte 1; called \"self\"\n}\n\n";
        assert_eq!(definitions([&schema]), written);
    }

    #[test]
    fn types_of_one_name_are_told_apart_and_equal_ones_written_once() {
        let [small, large, book] = [Pair::<u32>::SCHEMA, Pair::<u64>::SCHEMA, Book::SCHEMA].map(Schema::tree);
        let written = definitions([&large, &small, &large, &book]);
        for name in ["Pair(u64", "Pair2(u32", "Book {", "Side {"] {
            assert_eq!(written.matches(&format!(" {name}")).count(), 1, "{name}: {written}");
        }
    }

    #[test]
    fn many_types_of_one_name_are_soon_written() {
        // A struct of a thousand empty ones, each of another version, as bytes may have it.
        let mut fields = Vec::new();
        for version in 0..1000_u32 {
            let name = format!("{version}");
            fields.push(name.len() as u8);
            fields.extend(name.bytes());
            fields.extend(0_u64.to_le_bytes());
            fields.extend([0x41, 1, b'T']);
            fields.extend(version.to_le_bytes());
            fields.extend([0; 8]);
            fields.extend([1, 0, 0, 0, 0, 0]);
        }
        let mut bytes = vec![1, 0x41, 1, b'T', 9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
        bytes.extend(1000_u16.to_le_bytes());
        bytes.extend(fields);
        let schema = SchemaTree::decode(&bytes).expect("a schema");
        assert!(definitions([&schema]).contains("struct T1001("));
    }
}
