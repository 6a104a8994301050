//! The wire format of Protocol Buffers: numbered fields of four forms.

use super::ProtobufError;

/// The value of a field as it is on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Raw<'b> {
    Varint(u64),
    Fixed(u64),
    Bytes(&'b [u8]),
}

impl<'b> Raw<'b> {
    pub(super) fn bytes(self) -> Result<&'b [u8], ProtobufError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(ProtobufError::Malformed),
        }
    }

    pub(super) fn text(self) -> Result<String, ProtobufError> {
        let text = std::str::from_utf8(self.bytes()?);
        text.map(str::to_owned)
            .map_err(|_| ProtobufError::Malformed)
    }

    pub(super) fn integer(self) -> Result<i64, ProtobufError> {
        match self {
            // Two's complement in 64 bits, `int32` as well.
            Self::Varint(bits) => Ok(bits.cast_signed()),
            _ => Err(ProtobufError::Malformed),
        }
    }

    pub(super) fn double(self) -> Result<f64, ProtobufError> {
        match self {
            Self::Fixed(bits) => Ok(f64::from_bits(bits)),
            _ => Err(ProtobufError::Malformed),
        }
    }
}

/// The fields of a message, in the order of the wire.
pub(super) fn fields(mut body: &[u8]) -> Result<Vec<(u64, Raw<'_>)>, ProtobufError> {
    let mut fields = Vec::new();
    while !body.is_empty() {
        let tag = varint(&mut body)?;
        let raw = match tag & 7 {
            0 => Raw::Varint(varint(&mut body)?),
            1 => Raw::Fixed(u64::from_le_bytes(take(&mut body)?)),
            2 => {
                let length = usize::try_from(varint(&mut body)?);
                let length = length.map_err(|_| ProtobufError::Malformed)?;
                let (bytes, rest) = body
                    .split_at_checked(length)
                    .ok_or(ProtobufError::Malformed)?;
                body = rest;
                Raw::Bytes(bytes)
            }
            5 => Raw::Fixed(u32::from_le_bytes(take(&mut body)?).into()),
            _ => return Err(ProtobufError::Malformed),
        };
        fields.push((tag >> 3, raw));
    }
    Ok(fields)
}

/// A packed list of integers.
pub(super) fn packed(mut body: &[u8]) -> Result<Vec<i64>, ProtobufError> {
    let mut list = Vec::new();
    while !body.is_empty() {
        list.push(varint(&mut body)?.cast_signed());
    }
    Ok(list)
}

fn take<const N: usize>(body: &mut &[u8]) -> Result<[u8; N], ProtobufError> {
    let (taken, rest) = body.split_first_chunk().ok_or(ProtobufError::Malformed)?;
    *body = rest;
    Ok(*taken)
}

fn varint(body: &mut &[u8]) -> Result<u64, ProtobufError> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let [byte] = take(body)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(ProtobufError::Malformed)
}
