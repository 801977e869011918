//! What an HTTP client asks for, and what it is answered.

use super::page::CONTENT_TYPE;

/// A request is at most so long: what tells more about itself is none that is meant for this.
pub(super) const LONGEST: usize = 8192;

/// Of what is no metrics.
const TEXT: &str = "text/plain; charset=utf-8";

/// What is wanted. Whose name the client thinks that this is does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The metrics, or only what they would be like.
    Metrics { head: bool },
    /// Where they are.
    Root { head: bool },
    /// Something else, which is not there.
    Other,
    /// Not to read.
    Method,
    /// More than there is patience for.
    TooLong,
    /// This is not HTTP.
    Nonsense,
}

/// What is asked for by these bytes; `None` if there has to come more.
pub(super) fn parse(bytes: &[u8]) -> Option<Asked> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Partial) if bytes.len() < LONGEST => return None,
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => return Some(Asked::TooLong),
        Err(_) => return Some(Asked::Nonsense),
        Ok(httparse::Status::Complete(_)) => {}
    }
    let path = request.path.and_then(|path| path.split('?').next());
    Some(match (request.method, path) {
        (Some("GET"), Some("/metrics")) => Asked::Metrics { head: false },
        (Some("HEAD"), Some("/metrics")) => Asked::Metrics { head: true },
        (Some("GET"), Some("/")) => Asked::Root { head: false },
        (Some("HEAD"), Some("/")) => Asked::Root { head: true },
        (Some("GET" | "HEAD"), _) => Asked::Other,
        _ => Asked::Method,
    })
}

/// The bytes of the answer, after which the connection is closed.
pub(super) fn answer(asked: Asked, metrics: impl FnOnce() -> String) -> Vec<u8> {
    let (status, more, body) = match asked {
        Asked::Metrics { .. } => ("200 OK", "", metrics()),
        Asked::Root { .. } => ("200 OK", "", "ringway: the metrics are at /metrics\n".to_owned()),
        Asked::Other => ("404 Not Found", "", "there is /metrics\n".to_owned()),
        Asked::Method => ("405 Method Not Allowed", "Allow: GET, HEAD\r\n", "only GET and HEAD\n".to_owned()),
        Asked::TooLong => ("431 Request Header Fields Too Large", "", "the request is too long\n".to_owned()),
        Asked::Nonsense => ("400 Bad Request", "", "this is no HTTP request\n".to_owned()),
    };
    let (length, is_metrics) = (body.len(), matches!(asked, Asked::Metrics { .. }));
    let content = if is_metrics { CONTENT_TYPE } else { TEXT };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content}\r\nContent-Length: {length}\r\n{more}Connection: close\r\n\r\n"
    );
    let is_head = matches!(asked, Asked::Metrics { head: true } | Asked::Root { head: true });
    let body = if is_head { String::new() } else { body };
    (head + &body).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_understood_once_it_is_whole() {
        let whole = b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n";
        assert!((0..whole.len()).all(|end| parse(&whole[..end]).is_none()));
        assert_eq!(parse(whole), Some(Asked::Metrics { head: false }));
        for (text, asked) in [
            ("HEAD /metrics HTTP/1.0\r\n\r\n", Asked::Metrics { head: true }),
            ("GET / HTTP/1.1\r\n\r\n", Asked::Root { head: false }),
            ("HEAD /?x HTTP/1.1\r\n\r\n", Asked::Root { head: true }),
            ("GET /favicon.ico HTTP/1.1\r\nHost: elsewhere\r\n\r\n", Asked::Other),
            ("GET /metrics/ HTTP/1.1\r\n\r\n", Asked::Other),
            ("PUT / HTTP/1.1\r\n\r\n", Asked::Method),
            ("POST /metrics HTTP/1.1\r\n\r\n", Asked::Method),
            ("\u{1}\u{2} nonsense\r\n\r\n", Asked::Nonsense),
            ("GET /metrics\r\n\r\n", Asked::Nonsense),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(asked), "{text}");
        }
        let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(65));
        assert_eq!(parse(many.as_bytes()), Some(Asked::TooLong));
        let long = format!("GET /{}", "a".repeat(LONGEST));
        assert_eq!(parse(long.as_bytes()), Some(Asked::TooLong));
    }
}
