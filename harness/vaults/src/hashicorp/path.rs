//! The path of a request below `/v1/`, decoded and checked.

use percent_encoding::percent_decode_str;

/// A path as the router sees it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RequestPath {
    /// What follows `/v1/`.
    Logical(String),
    /// Go's ServeMux sends the client to the clean spelling first.
    Unclean(String),
    /// Not below `/v1/`.
    Elsewhere,
}

/// Reads a URI's path.
pub(super) fn read(raw: &str) -> RequestPath {
    let decoded = percent_decode_str(raw).decode_utf8_lossy().into_owned();
    let mut clean: Vec<&str> = Vec::new();
    let mut dirty = false;
    let segments: Vec<&str> = decoded.split('/').skip(1).collect();
    for (at, segment) in segments.iter().enumerate() {
        match *segment {
            // A slash at the end is a folder; elsewhere it is doubled.
            "" if at + 1 == segments.len() => {}
            "" | "." => dirty = true,
            ".." => {
                dirty = true;
                clean.pop();
            }
            plain => clean.push(plain),
        }
    }
    if dirty {
        let slash = if decoded.ends_with('/') && !clean.is_empty() {
            "/"
        } else {
            ""
        };
        let joined = clean.join("/");
        let encoded = percent_encoding::utf8_percent_encode(&joined, &ESCAPED);
        return RequestPath::Unclean(format!("/{encoded}{slash}"));
    }
    match decoded.strip_prefix("/v1/") {
        Some(rest) => RequestPath::Logical(rest.to_owned()),
        None => RequestPath::Elsewhere,
    }
}

const ESCAPED: percent_encoding::AsciiSet = percent_encoding::NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/v1/secret/data/a", RequestPath::Logical("secret/data/a".into()))]
    #[case("/v1/secret/data/a%20b", RequestPath::Logical("secret/data/a b".into()))]
    #[case("/v1/secret/metadata/", RequestPath::Logical("secret/metadata/".into()))]
    #[case("/v1/secret//data/a", RequestPath::Unclean("/v1/secret/data/a".into()))]
    #[case("/v1/secret/data/x/../a", RequestPath::Unclean("/v1/secret/data/a".into()))]
    #[case("/v1/../../etc/", RequestPath::Unclean("/etc/".into()))]
    #[case("//", RequestPath::Unclean("/".into()))]
    #[case("/ui/", RequestPath::Elsewhere)]
    #[case("/v1", RequestPath::Elsewhere)]
    #[case("", RequestPath::Elsewhere)]
    fn a_path_is_read_as_go_cleans_it(#[case] raw: &str, #[case] expected: RequestPath) {
        assert_eq!(read(raw), expected);
    }
}
