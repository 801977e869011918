//! A message from JSON, as [`Value::json`](super::Value::json) writes it: every part is there once, and has a value of its
//! type.

use std::error::Error;
use std::fmt::{self, Display};
use std::str::FromStr;

use ringway::message::{ArrayTree, EnumTree, Primitive, SchemaTree, StructTree};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{in_field, is_bytes, size, visible};

/// What is wrong with a message, and with which part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParseError {
    path: String,
    what: String,
}

impl Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.path {
            "" => f.write_str(&self.what),
            path => write!(f, "`{path}`: {}", self.what),
        }
    }
}

impl Error for ParseError {}

/// The bytes of the message that this JSON describes.
///
/// Beside what [`Value::json`](super::Value::json) writes, an array of `u8` may be a string of no more bytes, behind which
/// zeros follow.
///
/// # Errors
///
/// It is not JSON, or no message of this type.
pub(crate) fn parse(schema: &SchemaTree, json: &str) -> Result<Vec<u8>, ParseError> {
    let json: &RawValue = serde_json::from_str(json)
        .map_err(|error| ParseError { path: String::new(), what: format!("this is not JSON: {error}") })?;
    let mut bytes = Vec::new();
    Part { path: String::new(), json: json.get() }.parse(schema, &mut bytes)?;
    debug_assert_eq!(bytes.len(), size(schema));
    Ok(bytes)
}

/// The start of a text from the input, to be shown.
fn brief(text: &str) -> String {
    const LONGEST: usize = 40;
    let start: String = text.chars().take(LONGEST).collect();
    visible(&start) + if start.len() < text.len() { ".." } else { "" }
}

/// A part of a message, and where it is.
struct Part<'j> {
    path: String,
    /// JSON, without blanks around it.
    json: &'j str,
}

impl<'j> Part<'j> {
    fn error(&self, what: String) -> ParseError {
        ParseError { path: self.path.clone(), what }
    }

    /// What was found, briefly.
    fn expected(&self, expected: impl Display) -> ParseError {
        self.error(format!("expected {expected}, found {}", brief(self.json)))
    }

    /// Writes the part behind the others: types have no gaps.
    fn parse(&self, schema: &SchemaTree, bytes: &mut Vec<u8>) -> Result<(), ParseError> {
        match schema {
            SchemaTree::Primitive(primitive) => self.primitive(*primitive, bytes),
            SchemaTree::Array(array) => self.array(array, bytes),
            SchemaTree::Struct(structure) => self.structure(structure, bytes),
            SchemaTree::Enum(enumeration) => self.variant(enumeration, bytes),
        }
    }

    fn structure(&self, structure: &StructTree, bytes: &mut Vec<u8>) -> Result<(), ParseError> {
        let name = structure.name();
        let Ok(Object(parts)) = serde_json::from_str(self.json) else {
            return Err(self.expected(format_args!("an object with the fields of `{name}`")));
        };
        let fields = structure.fields();
        for (at, (part, _)) in parts.iter().enumerate() {
            if !fields.iter().any(|field| field.name() == part) {
                let names: Vec<_> = fields.iter().map(|field| format!("`{}`", field.name())).collect();
                return Err(self.error(format!(
                    "`{name}` has no field `{}`, but {}",
                    brief(part),
                    names.join(", ")
                )));
            }
            if parts[..at].iter().any(|(other, _)| other == part) {
                return Err(self.error(format!("the field `{part}` is there twice")));
            }
        }
        for field in fields {
            let Some((_, json)) = parts.iter().find(|(part, _)| part == field.name()) else {
                return Err(self.error(format!("the field `{}` is missing", field.name())));
            };
            let path = in_field(&self.path, field.name());
            Part { path, json: json.get() }.parse(field.schema(), bytes)?;
        }
        Ok(())
    }

    fn array(&self, array: &ArrayTree, bytes: &mut Vec<u8>) -> Result<(), ParseError> {
        if is_bytes(array) && self.json.starts_with('"') {
            return self.text(array.len(), bytes);
        }
        let element = array.element();
        // Of elements without bytes there may be any number.
        let len = if element.size() == 0 { 0 } else { array.len() };
        let Ok(parts) = serde_json::from_str::<Vec<&RawValue>>(self.json) else {
            return Err(self.expected(format_args!("an array of {len}")));
        };
        if parts.len() as u64 != len {
            return Err(self.error(format!("expected an array of {len}, found one of {}", parts.len())));
        }
        for (index, json) in parts.into_iter().enumerate() {
            Part { path: format!("{}[{index}]", self.path), json: json.get() }.parse(element, bytes)?;
        }
        Ok(())
    }

    /// Text in an array of so many bytes.
    fn text(&self, len: u64, bytes: &mut Vec<u8>) -> Result<(), ParseError> {
        let text = self.string().ok_or_else(|| self.expected("a string"))?;
        let Some(zeros) = len.checked_sub(text.len() as u64) else {
            return Err(self.error(format!("the text has {} bytes, and there is room for {len}", text.len())));
        };
        let zeros = usize::try_from(zeros).expect("a size of a type is below 2^63");
        if bytes.try_reserve(text.len() + zeros).is_err() {
            return Err(self.error(format!("there is no memory for {len} bytes")));
        }
        bytes.extend(text.as_bytes());
        bytes.resize(bytes.len() + zeros, 0);
        Ok(())
    }

    fn variant(&self, enumeration: &EnumTree, bytes: &mut Vec<u8>) -> Result<(), ParseError> {
        let name = self.string();
        let Some(variant) =
            enumeration.variants().iter().find(|variant| name.as_deref() == Some(variant.name()))
        else {
            let names: Vec<_> =
                enumeration.variants().iter().map(|variant| format!("{:?}", variant.name())).collect();
            return Err(self.expected(format_args!("one of {}", names.join(", "))));
        };
        let value = variant.value().to_le_bytes();
        bytes.extend(&value[..enumeration.repr().size() as usize]);
        Ok(())
    }

    fn primitive(&self, primitive: Primitive, bytes: &mut Vec<u8>) -> Result<(), ParseError> {
        let name = primitive.name();
        match primitive {
            Primitive::U8 => bytes.extend(self.integer::<u8>(name)?.to_le_bytes()),
            Primitive::U16 => bytes.extend(self.integer::<u16>(name)?.to_le_bytes()),
            Primitive::U32 => bytes.extend(self.integer::<u32>(name)?.to_le_bytes()),
            Primitive::U64 => bytes.extend(self.integer::<u64>(name)?.to_le_bytes()),
            Primitive::U128 => bytes.extend(self.integer::<u128>(name)?.to_le_bytes()),
            Primitive::I8 => bytes.extend(self.integer::<i8>(name)?.to_le_bytes()),
            Primitive::I16 => bytes.extend(self.integer::<i16>(name)?.to_le_bytes()),
            Primitive::I32 => bytes.extend(self.integer::<i32>(name)?.to_le_bytes()),
            Primitive::I64 => bytes.extend(self.integer::<i64>(name)?.to_le_bytes()),
            Primitive::I128 => bytes.extend(self.integer::<i128>(name)?.to_le_bytes()),
            Primitive::F32 => bytes.extend(self.float::<f32>(name, f32::is_finite)?.to_le_bytes()),
            Primitive::F64 => bytes.extend(self.float::<f64>(name, f64::is_finite)?.to_le_bytes()),
            Primitive::Bool => match self.json {
                "false" => bytes.push(0),
                "true" => bytes.push(1),
                _ => return Err(self.expected("true or false")),
            },
            Primitive::Char => {
                let text = self.string().unwrap_or_default();
                let mut chars = text.chars();
                let (Some(char), None) = (chars.next(), chars.next()) else {
                    return Err(self.expected("a string of one character"));
                };
                bytes.extend(u32::from(char).to_le_bytes());
            }
        }
        Ok(())
    }

    fn integer<N: FromStr>(&self, name: &str) -> Result<N, ParseError> {
        // `-0` is an integer in JSON and none of Rust's unsigned ones.
        let json = if self.json == "-0" { "0" } else { self.json };
        json.parse().map_err(|_| self.expected(format_args!("an integer that is a {name}")))
    }

    fn float<N: FromStr + Copy>(&self, name: &str, is_finite: impl Fn(N) -> bool) -> Result<N, ParseError> {
        let number = match self.json {
            "\"NaN\"" => "NaN",
            "\"inf\"" => "inf",
            "\"-inf\"" => "-inf",
            json => match json.parse() {
                Ok(number) if is_finite(number) => return Ok(number),
                Ok(_) => return Err(self.expected(format_args!("a number that a {name} can be"))),
                Err(_) => return Err(self.expected("a number, \"NaN\", \"inf\" or \"-inf\"")),
            },
        };
        number.parse().map_err(|_| self.expected(name))
    }

    fn string(&self) -> Option<String> {
        serde_json::from_str(self.json).ok()
    }
}

/// An object as it is written: with its keys in their order, also if two are the same.
struct Object<'j>(Vec<(String, &'j RawValue)>);

impl<'j> Deserialize<'j> for Object<'j> {
    fn deserialize<D: Deserializer<'j>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'j> Visitor<'j> for Entries {
            type Value = Object<'j>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'j>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
