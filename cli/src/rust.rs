//! A schema as the Rust that it came from: for whoever wants to write the other side.

use std::fmt::Write;

use ringway::message::{EnumTree, Primitive, SchemaTree, StructTree};

/// The definitions of a type and of all that it is made of; nothing for one that needs none, such as `u64`.
pub(crate) fn definitions(schema: &SchemaTree) -> String {
    let mut writer = Writer { known: Vec::new(), text: String::new() };
    writer.define(schema);
    writer.text
}

/// The type in Rust, if all that it is made of is defined.
pub(crate) fn type_of(schema: &SchemaTree) -> String {
    let mut writer = Writer { known: Vec::new(), text: String::new() };
    writer.define(schema);
    writer.name(schema)
}

struct Writer<'s> {
    /// What is defined already, and as what.
    known: Vec<(&'s SchemaTree, String)>,
    text: String,
}

impl<'s> Writer<'s> {
    /// Parts first.
    fn define(&mut self, schema: &'s SchemaTree) {
        if self.known.iter().any(|(known, _)| *known == schema) {
            return;
        }
        match schema {
            SchemaTree::Primitive(_) => {}
            SchemaTree::Array(array) => self.define(array.element()),
            SchemaTree::Struct(structure) => {
                for field in structure.fields() {
                    self.define(field.schema());
                }
                let name = self.free_name(structure.name());
                self.structure(schema, structure, &name);
                self.known.push((schema, name));
            }
            SchemaTree::Enum(enumeration) => {
                let name = self.free_name(enumeration.name());
                self.enumeration(enumeration, &name);
                self.known.push((schema, name));
            }
        }
    }

    /// An identifier for a stable name such as `md.Tick`, which no other type here has.
    fn free_name(&self, stable: &str) -> String {
        let last = stable.rsplit(['.', ':', '/']).next().unwrap_or(stable);
        let mut name = identifier(last).unwrap_or_else(|| "Unnamed".to_owned());
        let mut number = 2;
        while self.known.iter().any(|(_, known)| *known == name) {
            name = format!("{}{number}", identifier(last).unwrap_or_else(|| "Unnamed".to_owned()));
            number += 1;
        }
        name
    }

    fn name(&self, schema: &SchemaTree) -> String {
        match schema {
            SchemaTree::Primitive(primitive) => primitive.name().to_owned(),
            SchemaTree::Array(array) => format!("[{}; {}]", self.name(array.element()), array.len()),
            SchemaTree::Struct(_) | SchemaTree::Enum(_) => {
                let known = self.known.iter().find(|(known, _)| *known == schema);
                known.map(|(_, name)| name.clone()).unwrap_or_default()
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
        for (index, (field, of)) in structure.fields().iter().zip(types).enumerate() {
            match identifier(field.name()) {
                Some(name) => self.line(format_args!("    {name}: {of}, // byte {}", field.offset())),
                None => {
                    let (called, offset) = (field.name(), field.offset());
                    self.line(format_args!("    field_{index}: {of}, // byte {offset}; called {called:?}"));
                }
            }
        }
        self.line(format_args!("}}\n"));
    }

    fn enumeration(&mut self, enumeration: &EnumTree, name: &str) {
        self.head(enumeration.name(), enumeration.version(), name, true);
        self.line(format_args!("#[repr({})]", enumeration.repr().name()));
        self.line(format_args!("enum {name} {{"));
        for (index, variant) in enumeration.variants().iter().enumerate() {
            let (called, value) = (variant.name(), variant.value());
            match identifier(called) {
                Some(name) => self.line(format_args!("    {name} = {value},")),
                None => self.line(format_args!("    Variant{index} = {value}, // called {called:?}")),
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

    use super::*;

    /// What is written for the types below, compiled.
    #[allow(dead_code)]
    mod written {
        use ringway::Message;

        include!("../tests/data/book.rs");

        #[test]
        fn it_is_the_type_that_it_was_written_for() {
            let schema = super::Book::SCHEMA.tree();
            assert_eq!(super::definitions(&schema), include_str!("../tests/data/book.rs"));
            assert_eq!(super::type_of(&schema), "Book");
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
        for (schema, name) in [(u64::SCHEMA, "u64"), (<[[f32; 3]; 2]>::SCHEMA, "[[f32; 3]; 2]")] {
            assert_eq!(
                (definitions(&schema.tree()), type_of(&schema.tree())),
                (String::new(), name.to_owned())
            );
        }
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
        assert_eq!(definitions(&schema), written);
    }
}
