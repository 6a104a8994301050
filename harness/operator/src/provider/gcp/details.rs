//! A status's details as gax prints them (`googleapis/gax-go/v2/apierror`): of all kinds, Google's APIs send
//! `ErrorInfo` here.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost::Message;

use super::wire::{ErrorInfo, RpcStatus};

/// Padded or not: gRPC allows both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The text of `grpc-status-details-bin`; empty where nothing can be read of it.
pub(super) fn printed(details: &str) -> String {
    let status = BASE64
        .decode(details)
        .ok()
        .and_then(|bytes| RpcStatus::decode(bytes.as_slice()).ok())
        .unwrap_or_default();
    let info = status
        .details
        .iter()
        .filter(|detail| detail.type_url.ends_with("/google.rpc.ErrorInfo"))
        .find_map(|detail| ErrorInfo::decode(detail.value.as_slice()).ok());
    info.map_or_else(String::new, |info| {
        let metadata = info.metadata.iter();
        let metadata: Vec<String> = metadata.map(|(k, v)| format!("{k}:{v}")).collect();
        format!(
            "error details: name = ErrorInfo reason = {} domain = {} metadata = map[{}]",
            info.reason,
            info.domain,
            metadata.join(" ")
        )
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::wire::Any;
    use super::*;

    #[test]
    fn an_error_info_reads_as_gax_prints_it_and_anything_else_as_nothing() {
        let info = ErrorInfo {
            reason: "IAM_PERMISSION_DENIED".into(),
            domain: "iam.googleapis.com".into(),
            metadata: BTreeMap::from([
                ("resource".into(), "projects/p".into()),
                ("permission".into(), "x.y".into()),
            ]),
        };
        let status = RpcStatus {
            details: vec![Any {
                type_url: "type.googleapis.com/google.rpc.ErrorInfo".into(),
                value: info.encode_to_vec(),
            }],
        };
        let text = BASE64.encode(status.encode_to_vec());
        let expected = "error details: name = ErrorInfo reason = IAM_PERMISSION_DENIED domain = iam.googleapis.com metadata = map[permission:x.y resource:projects/p]";
        assert_eq!(printed(&text), expected);
        assert_eq!(printed(text.trim_end_matches('=')), expected);
        assert_eq!(printed("garbage"), "");
    }
}
