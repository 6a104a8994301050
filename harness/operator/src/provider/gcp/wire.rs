//! The messages that ESO sends and reads, written by hand: field numbers of
//! `google/cloud/secretmanager/v1/{resources,service}.proto`, `google/iam/credentials/v1/common.proto` and
//! `google/rpc/{status,error_details}.proto`. Fields that nothing here reads are skipped.

use std::collections::BTreeMap;

use prost::Message;

/// AccessSecretVersion, GetSecret.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Named {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

/// Has no `Debug` that would show the value.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct Accessed {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, optional, tag = "2")]
    pub(super) payload: Option<Payload>,
}

impl std::fmt::Debug for Accessed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accessed")
    }
}

/// Has no `Debug` that would show the value.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct Payload {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) data: Vec<u8>,
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Payload")
    }
}

/// ListSecrets, ListSecretVersions.
#[derive(Clone, PartialEq, Message)]
pub(super) struct List {
    #[prost(string, tag = "1")]
    pub(super) parent: String,
    #[prost(string, tag = "3")]
    pub(super) page_token: String,
    #[prost(string, tag = "4")]
    pub(super) filter: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Secrets {
    #[prost(message, repeated, tag = "1")]
    pub(super) secrets: Vec<Secret>,
    #[prost(string, tag = "2")]
    pub(super) next_page_token: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Secret {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(btree_map = "string, string", tag = "4")]
    pub(super) labels: BTreeMap<String, String>,
    #[prost(btree_map = "string, string", tag = "13")]
    pub(super) annotations: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Versions {
    #[prost(message, repeated, tag = "1")]
    pub(super) versions: Vec<Version>,
    #[prost(string, tag = "2")]
    pub(super) next_page_token: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Version {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, optional, tag = "2")]
    pub(super) create_time: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GenerateAccessToken {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, repeated, tag = "4")]
    pub(super) scope: Vec<String>,
}

/// Has no `Debug` that would show the token.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct AccessToken {
    #[prost(string, tag = "1")]
    pub(super) access_token: String,
}

impl std::fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessToken")
    }
}

/// `google.rpc.Status`, out of `grpc-status-details-bin`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Any {
    #[prost(string, tag = "1")]
    pub(super) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) value: Vec<u8>,
}

/// `google.rpc.ErrorInfo`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ErrorInfo {
    #[prost(string, tag = "1")]
    pub(super) reason: String,
    #[prost(string, tag = "2")]
    pub(super) domain: String,
    #[prost(btree_map = "string, string", tag = "3")]
    pub(super) metadata: BTreeMap<String, String>,
}
