//! Go strings hold any bytes; the template engine's are UTF-8. What is not UTF-8 travels as private characters, one
//! per byte, and becomes the byte again where bytes count.

/// U+10FF00 to U+10FFFF: the end of the private plane, in no real text.
const BASE: u32 = 0x0010_FF00;

/// The text that stands for these bytes.
pub(super) fn from_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match escaped_byte(c) {
                // Bytes that look like our escapes are escaped themselves, so that every value survives.
                Some(_) => {
                    let mut buffer = [0; 4];
                    c.encode_utf8(&mut buffer)
                        .bytes()
                        .for_each(|byte| push_escaped(&mut text, byte));
                }
                None => text.push(c),
            }
        }
        chunk
            .invalid()
            .iter()
            .for_each(|&byte| push_escaped(&mut text, byte));
    }
    text
}

/// The bytes that a text stands for.
pub(super) fn to_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match escaped_byte(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

fn push_escaped(text: &mut String, byte: u8) {
    text.extend(char::from_u32(BASE + u32::from(byte)));
}

/// The byte that a character stands for, if it does.
pub(super) fn escaped_byte(c: char) -> Option<u8> {
    u8::try_from(u32::from(c).checked_sub(BASE)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_survive(bytes: Vec<u8>) {
            prop_assert_eq!(to_bytes(&from_bytes(&bytes)), bytes);
        }

        #[test]
        fn plain_text_is_itself(text in "[a-zé漢]{0,12}") {
            prop_assert_eq!(from_bytes(text.as_bytes()), text);
        }
    }

    #[test]
    fn the_escape_characters_themselves_survive() {
        let text = "\u{10FF41}x";
        assert_eq!(to_bytes(&from_bytes(text.as_bytes())), text.as_bytes());
    }
}
