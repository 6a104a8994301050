//! CRC32C (Castagnoli, RFC 3720 appendix B.4), the checksum of a payload.

const POLYNOMIAL: u32 = 0x82f6_3b78;

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

pub(super) fn crc32c(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc: u32, byte| {
        // A byte indexes 256 entries.
        TABLE[usize::from((crc as u8) ^ byte)] ^ (crc >> 8)
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // RFC 3720, B.4, and the check value of the catalogue of CRCs.
    #[rstest]
    #[case(&[0; 32], 0x8a91_36aa)]
    #[case(&[0xff; 32], 0x62a8_ab43)]
    #[case(b"123456789", 0xe306_9283)]
    #[case(b"", 0)]
    fn a_checksum_is_castagnolis(#[case] data: &[u8], #[case] crc: u32) {
        assert_eq!(crc32c(data), crc);
    }
}
