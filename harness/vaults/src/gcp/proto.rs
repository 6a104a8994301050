//! The messages on the wire, written by hand so that no build needs protoc.
//!
//! Field numbers: `google/cloud/secretmanager/v1/{resources,service}.proto`, `google/iam/credentials/v1/common.proto`,
//! `google/rpc/{status,error_details}.proto`. Fields that are absent here (customer-managed encryption, tags, managed
//! rotation) are skipped when read, as protobuf skips what it does not know.

use std::collections::BTreeMap;

use prost::Message;

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Duration {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct FieldMask {
    #[prost(string, repeated, tag = "1")]
    pub(super) paths: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Empty {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Secret {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, optional, tag = "2")]
    pub(super) replication: Option<Replication>,
    #[prost(message, optional, tag = "3")]
    pub(super) create_time: Option<Timestamp>,
    #[prost(btree_map = "string, string", tag = "4")]
    pub(super) labels: BTreeMap<String, String>,
    #[prost(message, repeated, tag = "5")]
    pub(super) topics: Vec<Topic>,
    #[prost(message, optional, tag = "6")]
    pub(super) expire_time: Option<Timestamp>,
    #[prost(message, optional, tag = "7")]
    pub(super) ttl: Option<Duration>,
    #[prost(string, tag = "8")]
    pub(super) etag: String,
    #[prost(message, optional, tag = "9")]
    pub(super) rotation: Option<Rotation>,
    #[prost(btree_map = "string, int64", tag = "11")]
    pub(super) version_aliases: BTreeMap<String, i64>,
    #[prost(btree_map = "string, string", tag = "13")]
    pub(super) annotations: BTreeMap<String, String>,
    #[prost(message, optional, tag = "14")]
    pub(super) version_destroy_ttl: Option<Duration>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Topic {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Rotation {
    #[prost(message, optional, tag = "1")]
    pub(super) next_rotation_time: Option<Timestamp>,
    #[prost(message, optional, tag = "2")]
    pub(super) rotation_period: Option<Duration>,
}

/// A `oneof` of the two.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Replication {
    #[prost(message, optional, tag = "1")]
    pub(super) automatic: Option<Automatic>,
    #[prost(message, optional, tag = "2")]
    pub(super) user_managed: Option<UserManaged>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Automatic {}

#[derive(Clone, PartialEq, Message)]
pub(super) struct UserManaged {
    #[prost(message, repeated, tag = "1")]
    pub(super) replicas: Vec<Replica>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Replica {
    #[prost(string, tag = "1")]
    pub(super) location: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum VersionState {
    Unspecified = 0,
    Enabled = 1,
    Disabled = 2,
    Destroyed = 3,
}

impl VersionState {
    /// As ProtoJSON, filters and errors spell it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "STATE_UNSPECIFIED",
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
            Self::Destroyed => "DESTROYED",
        }
    }
}

/// The replication status has the form of the policy: `automatic`, or `userManaged` with a location per replica.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SecretVersion {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, optional, tag = "2")]
    pub(super) create_time: Option<Timestamp>,
    #[prost(message, optional, tag = "3")]
    pub(super) destroy_time: Option<Timestamp>,
    #[prost(enumeration = "VersionState", tag = "4")]
    pub(super) state: i32,
    #[prost(message, optional, tag = "5")]
    pub(super) replication_status: Option<Replication>,
    #[prost(string, tag = "6")]
    pub(super) etag: String,
    #[prost(bool, tag = "7")]
    pub(super) client_specified_payload_checksum: bool,
    #[prost(message, optional, tag = "8")]
    pub(super) scheduled_destroy_time: Option<Timestamp>,
}

/// Has no `Debug` that would show the data.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct SecretPayload {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) data: Vec<u8>,
    #[prost(int64, optional, tag = "2")]
    pub(super) data_crc32c: Option<i64>,
}

impl std::fmt::Debug for SecretPayload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretPayload")
    }
}

/// ListSecrets and ListSecretVersions alike.
#[derive(Clone, PartialEq, Message)]
pub(super) struct List {
    #[prost(string, tag = "1")]
    pub(super) parent: String,
    #[prost(int32, tag = "2")]
    pub(super) page_size: i32,
    #[prost(string, tag = "3")]
    pub(super) page_token: String,
    #[prost(string, tag = "4")]
    pub(super) filter: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ListSecretsResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) secrets: Vec<Secret>,
    #[prost(string, tag = "2")]
    pub(super) next_page_token: String,
    #[prost(int32, tag = "3")]
    pub(super) total_size: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ListSecretVersionsResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) versions: Vec<SecretVersion>,
    #[prost(string, tag = "2")]
    pub(super) next_page_token: String,
    #[prost(int32, tag = "3")]
    pub(super) total_size: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CreateSecret {
    #[prost(string, tag = "1")]
    pub(super) parent: String,
    #[prost(string, tag = "2")]
    pub(super) secret_id: String,
    #[prost(message, optional, tag = "3")]
    pub(super) secret: Option<Secret>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AddSecretVersion {
    #[prost(string, tag = "1")]
    pub(super) parent: String,
    #[prost(message, optional, tag = "2")]
    pub(super) payload: Option<SecretPayload>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct UpdateSecret {
    #[prost(message, optional, tag = "1")]
    pub(super) secret: Option<Secret>,
    #[prost(message, optional, tag = "2")]
    pub(super) update_mask: Option<FieldMask>,
}

/// Every request for one resource: Get, Access, Delete, Disable, Enable, Destroy. The etag is the latter four's.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Named {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) etag: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AccessSecretVersionResponse {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, optional, tag = "2")]
    pub(super) payload: Option<SecretPayload>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GenerateAccessToken {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, repeated, tag = "2")]
    pub(super) delegates: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    pub(super) scope: Vec<String>,
    #[prost(message, optional, tag = "7")]
    pub(super) lifetime: Option<Duration>,
}

/// Has no `Debug` that would show the token.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct GenerateAccessTokenResponse {
    #[prost(string, tag = "1")]
    pub(super) access_token: String,
    #[prost(message, optional, tag = "3")]
    pub(super) expire_time: Option<Timestamp>,
}

impl std::fmt::Debug for GenerateAccessTokenResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GenerateAccessTokenResponse")
    }
}

/// `google.rpc.Status`, as `grpc-status-details-bin` carries it.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
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
