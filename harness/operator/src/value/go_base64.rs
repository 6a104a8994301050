//! Base64 as Go's `encoding/base64` reads it (Go 1.24): padded, line breaks skipped, and its error's offset.

/// The alphabet of the last two digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// `+` and `/`.
    Standard,
    /// `-` and `_`.
    Url,
}

impl Alphabet {
    fn digit(self, byte: u8) -> Option<u32> {
        let digit = match (self, byte) {
            (_, b'A'..=b'Z') => byte - b'A',
            (_, b'a'..=b'z') => byte - b'a' + 26,
            (_, b'0'..=b'9') => byte - b'0' + 52,
            (Self::Standard, b'+') | (Self::Url, b'-') => 62,
            (Self::Standard, b'/') | (Self::Url, b'_') => 63,
            _ => return None,
        };
        Some(u32::from(digit))
    }
}

/// Decodes, or says like Go where the input is corrupt.
pub(crate) fn decode(alphabet: Alphabet, input: &[u8]) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| Err(format!("illegal base64 data at input byte {at}"));
    let mut output = Vec::with_capacity(input.len() / 4 * 3 + 3);
    let mut quantum = 0_u32;
    let mut digits = 0_usize;
    let mut bytes = input.iter().copied().enumerate();
    while let Some((at, byte)) = bytes.next() {
        if matches!(byte, b'\n' | b'\r') {
            continue;
        }
        if let Some(digit) = alphabet.digit(byte) {
            quantum = quantum << 6 | digit;
            digits += 1;
            if digits == 4 {
                output.extend_from_slice(&quantum.to_be_bytes()[1..]);
                (quantum, digits) = (0, 0);
            }
            continue;
        }
        if byte != b'=' || digits < 2 {
            return corrupt(at);
        }
        let mut rest = bytes.filter(|(_, byte)| !matches!(byte, b'\n' | b'\r'));
        if digits == 2 {
            match rest.next() {
                None => return corrupt(input.len()),
                Some((_, b'=')) => {}
                Some((at, _)) => return corrupt(at - 1),
            }
        }
        if let Some((at, _)) = rest.next() {
            return corrupt(at);
        }
        let whole = quantum << (6 * (4 - digits));
        output.extend_from_slice(&whole.to_be_bytes()[1..digits]);
        return Ok(output);
    }
    if digits > 0 {
        return corrupt(input.len() - digits);
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::no_padding("YQ", 0)]
    #[case::half_a_padding("YQ=", 3)]
    #[case::a_foreign_byte("YWJj!", 4)]
    #[case::url_digits("_-_-", 0)]
    #[case::something_after_the_padding("YQ==YQ==", 4)]
    fn the_error_names_gos_offset(#[case] text: &str, #[case] at: usize) {
        assert_eq!(
            decode(Alphabet::Standard, text.as_bytes()).unwrap_err(),
            format!("illegal base64 data at input byte {at}")
        );
    }

    #[test]
    fn line_breaks_do_not_matter() {
        assert_eq!(decode(Alphabet::Standard, b"YW\nJj\r\n").unwrap(), b"abc");
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_decodes(bytes: Vec<u8>) {
            prop_assert_eq!(decode(Alphabet::Standard, BASE64_STANDARD.encode(&bytes).as_bytes()).unwrap(), bytes.clone());
            prop_assert_eq!(decode(Alphabet::Url, BASE64_URL_SAFE.encode(&bytes).as_bytes()).unwrap(), bytes);
        }

        #[test]
        fn what_the_other_decoder_takes_is_taken_alike(text in "[A-D=+/]{0,12}") {
            if let Ok(bytes) = BASE64_STANDARD.decode(&text) {
                prop_assert_eq!(decode(Alphabet::Standard, text.as_bytes()).unwrap(), bytes);
            }
        }
    }
}
