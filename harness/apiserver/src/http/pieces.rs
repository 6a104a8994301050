//! A long body, put together as it is read.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use bytes::{BufMut, Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};

/// As much as is put together at a time.
const CHUNK: usize = 64 * 1024;

/// Shared pieces of a body. A reader that stalls holds references to them and one chunk, whatever their size.
pub(super) struct Pieces {
    pieces: vec::IntoIter<Bytes>,
    left: u64,
}

impl Pieces {
    pub(super) fn new(pieces: Vec<Bytes>) -> Self {
        Self {
            left: pieces.iter().map(|piece| piece.len() as u64).sum(),
            pieces: pieces.into_iter(),
        }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let size = usize::try_from(self.left).unwrap_or(CHUNK).min(CHUNK);
        let mut chunk = BytesMut::with_capacity(size);
        while chunk.len() < size
            && let Some(piece) = self.pieces.next()
        {
            chunk.put(piece);
        }
        self.left = self.left.saturating_sub(chunk.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(chunk.freeze()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn the_pieces_are_read_in_order_and_by_chunks() {
        let piece = Bytes::from(vec![b'x'; 1000]);
        let mut body = Pieces::new([&[Bytes::from_static(b"[")][..], &vec![piece; 200]].concat());
        assert_eq!(body.size_hint().exact(), Some(200_001));
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!((CHUNK..CHUNK + 1000).contains(&first.len()));
        assert_eq!(first[0], b'[');
        let rest = body.collect().await.unwrap().to_bytes();
        assert_eq!(first.len() + rest.len(), 200_001);
    }
}
