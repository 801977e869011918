//! Sizes of messages, as the user asks for them.

/// The sizes, in words, of an argument that names them in bytes, with commas between them.
pub(crate) fn parse(parser: &mut lexopt::Parser, all: &[usize]) -> Result<Vec<usize>, lexopt::Error> {
    use lexopt::ValueExt;
    let text = parser.value()?.string()?;
    let size = |part: &str| {
        let words = part.parse::<usize>().ok().filter(|bytes| bytes % 8 == 0).map(|bytes| bytes / 8);
        words.filter(|words| all.contains(words))
    };
    let sizes = text.split(',').map(size).collect::<Option<Vec<usize>>>();
    sizes.ok_or_else(|| {
        let known: Vec<String> = all.iter().map(|words| (words * 8).to_string()).collect();
        format!("--bytes is `{text}`, expected some of {}, with commas between them", known.join(", ")).into()
    })
}
