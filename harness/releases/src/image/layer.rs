//! A layer's bytes, unpacked: gzip, zstd or neither, as its first bytes say.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::BlockDecodingStrategy;
use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

/// The archive in a layer.
pub(super) fn unpacked(layer: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut layer = BufReader::with_capacity(256 * 1024, layer);
    let start = layer.fill_buf()?;
    Ok(if start.starts_with(&[0x1f, 0x8b]) {
        Box::new(MultiGzDecoder::new(layer))
    } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || is_skippable(start) {
        Box::new(Zstd {
            source: layer,
            decoder: FrameDecoder::new(),
            in_frame: false,
        })
    } else {
        Box::new(layer)
    })
}

/// A frame without data, as zstd:chunked has (RFC 8878, 3.1.2).
fn is_skippable(start: &[u8]) -> bool {
    matches!(start, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// All frames, one after the other.
struct Zstd<R> {
    source: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> Zstd<R> {
    /// Begins the next frame; false at the end.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let skipped = io::copy(&mut (&mut self.source).take(length), &mut io::sink())?;
                    if skipped < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.in_frame {
                if self.decoder.can_collect() > 0 {
                    return self.decoder.read(buffer);
                }
                if !self.decoder.is_finished() {
                    self.decoder
                        .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                        .map_err(io::Error::other)?;
                    continue;
                }
            }
            self.in_frame = self.begin()?;
            if !self.in_frame {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rstest::rstest;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        let mut encoder = flate2::read::GzEncoder::new(bytes, flate2::Compression::fast());
        encoder.read_to_end(&mut packed).unwrap();
        packed
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        compress_to_vec(bytes, CompressionLevel::Fastest)
    }

    #[rstest]
    #[case::gzip(gzip)]
    #[case::zstd(zstd)]
    #[case::neither(<[u8]>::to_vec)]
    fn a_layer_is_unpacked_as_its_first_bytes_say(#[case] pack: fn(&[u8]) -> Vec<u8>) {
        let (one, two) = (vec![b'x'; 300_000], b"and more".to_vec());
        // Both have several parts, as parallel packers write them.
        let packed = [pack(&one), pack(&two)].concat();
        let mut bytes = Vec::new();
        let mut reader = unpacked(Cursor::new(packed)).unwrap();
        reader.read_to_end(&mut bytes).unwrap();
        assert!(bytes == [one, two].concat());
    }

    #[test]
    fn frames_without_data_are_skipped() {
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"toc"].concat();
        let packed = [skippable.clone(), zstd(b"data"), skippable].concat();
        let mut text = String::new();
        let mut reader = unpacked(Cursor::new(packed)).unwrap();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "data");
    }

    #[rstest]
    #[case::gzip(gzip(&[7; 10_000]))]
    #[case::zstd(zstd(&[7; 10_000]))]
    fn a_layer_that_ends_early_is_an_error(#[case] packed: Vec<u8>) {
        let half = packed[..packed.len() - 6].to_vec();
        let mut reader = unpacked(Cursor::new(half)).unwrap();
        assert!(reader.read_to_end(&mut Vec::new()).is_err());
    }
}
