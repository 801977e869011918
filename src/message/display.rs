//! Schemas in words.

use std::fmt::{self, Display, Formatter, Write};

use super::schema::Schema;
use super::tree::{EnumTree, SchemaTree, StructTree};

/// How many fields or variants the one-line form shows before it says how many more there are.
const IN_ONE_LINE: usize = 8;

impl Display for Schema {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.tree().fmt(f)
    }
}

impl Display for SchemaTree {
    /// `Tick { price: f64 @0, size: u64 @8 } (16 bytes)`; with `#`, a field a line, and all nested types.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            full(f, self, 0)?;
        } else {
            match self {
                SchemaTree::Struct(structure) => one_line_struct(f, structure)?,
                SchemaTree::Enum(enumeration) => one_line_enum(f, enumeration)?,
                other => TypeName(other).fmt(f)?,
            }
        }
        let size = self.size();
        write!(f, " ({size} {})", if size == 1 { "byte" } else { "bytes" })
    }
}

impl SchemaTree {
    /// The type as it is written in a field: `f64`, `[u8; 4]`, `Level`, `Tick v2`.
    ///
    /// ```
    /// use ringway::Message;
    ///
    /// let schema = <[u8; 4]>::SCHEMA;
    /// assert_eq!(schema.tree().type_name().to_string(), "[u8; 4]");
    /// assert_eq!(schema.encode().len(), schema.encoded_len());
    /// ```
    pub fn type_name(&self) -> impl Display + '_ {
        TypeName(self)
    }
}

/// A type as it is written in a field: `f64`, `[u8; 4]`, `Level`.
struct TypeName<'t>(&'t SchemaTree);

impl Display for TypeName<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            SchemaTree::Primitive(primitive) => f.write_str(primitive.name()),
            SchemaTree::Array(array) => write!(f, "[{}; {}]", TypeName(&array.element), array.len),
            SchemaTree::Struct(structure) => title(f, &structure.name, structure.version),
            SchemaTree::Enum(enumeration) => title(f, &enumeration.name, enumeration.version),
        }
    }
}

/// The same with the kind where there is a name of the author's: a struct and an enum may have the same.
pub(super) struct KindAndName<'t>(pub(super) &'t SchemaTree);

impl Display for KindAndName<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = TypeName(self.0);
        match self.0 {
            SchemaTree::Primitive(_) | SchemaTree::Array(_) => name.fmt(f),
            SchemaTree::Struct(_) => write!(f, "struct `{name}`"),
            SchemaTree::Enum(_) => write!(f, "enum `{name}`"),
        }
    }
}

fn title(f: &mut Formatter<'_>, name: &str, version: u32) -> fmt::Result {
    match version {
        0 => f.write_str(name),
        version => write!(f, "{name} v{version}"),
    }
}

fn one_line_struct(f: &mut Formatter<'_>, structure: &StructTree) -> fmt::Result {
    title(f, &structure.name, structure.version)?;
    let fields = structure.fields.iter();
    one_line(f, fields.map(|field| format!("{}: {} @{}", field.name, TypeName(&field.schema), field.offset)))
}

fn one_line_enum(f: &mut Formatter<'_>, enumeration: &EnumTree) -> fmt::Result {
    title(f, &enumeration.name, enumeration.version)?;
    write!(f, ": {}", enumeration.repr.name())?;
    let variants = enumeration.variants.iter();
    one_line(f, variants.map(|variant| format!("{} = {}", variant.name, variant.value)))
}

fn one_line(f: &mut Formatter<'_>, parts: impl ExactSizeIterator<Item = String>) -> fmt::Result {
    let (count, mut before) = (parts.len(), " { ");
    if count == 0 {
        return f.write_str(" {}");
    }
    for part in parts.take(IN_ONE_LINE) {
        write!(f, "{before}{part}")?;
        before = ", ";
    }
    if count > IN_ONE_LINE {
        write!(f, ", .. {} more", count - IN_ONE_LINE)?;
    }
    f.write_str(" }")
}

/// Recurses as deep as the schema, which is limited.
fn full(f: &mut Formatter<'_>, schema: &SchemaTree, indent: usize) -> fmt::Result {
    match schema {
        SchemaTree::Primitive(primitive) => f.write_str(primitive.name()),
        SchemaTree::Array(array) => {
            f.write_char('[')?;
            full(f, &array.element, indent)?;
            write!(f, "; {}]", array.len)
        }
        SchemaTree::Struct(structure) => {
            title(f, &structure.name, structure.version)?;
            if structure.fields.is_empty() {
                return f.write_str(" {}");
            }
            f.write_str(" {\n")?;
            for field in &structure.fields {
                write!(f, "{:1$}{2}: ", "", indent + 4, field.name)?;
                full(f, &field.schema, indent + 4)?;
                writeln!(f, " @{},", field.offset)?;
            }
            write!(f, "{:indent$}}}", "")
        }
        SchemaTree::Enum(enumeration) => {
            title(f, &enumeration.name, enumeration.version)?;
            writeln!(f, ": {} {{", enumeration.repr.name())?;
            for variant in &enumeration.variants {
                writeln!(f, "{:1$}{2} = {3},", "", indent + 4, variant.name, variant.value)?;
            }
            write!(f, "{:indent$}}}", "")
        }
    }
}
