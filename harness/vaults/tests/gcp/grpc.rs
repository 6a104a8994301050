//! The gRPC form: the same state as REST's, and every malformed call refused with gRPC's own status.

use bytes::Bytes;
use http::Request;
use proptest::prelude::*;
use prost::Message;
use rstest::rstest;

use crate::lab::{HOST, Lab, Reply};

const ACCESS: &str = "/google.cloud.secretmanager.v1.SecretManagerService/AccessSecretVersion";

#[derive(Clone, PartialEq, Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct Accessed {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    payload: Option<Payload>,
}

#[derive(Clone, PartialEq, Message)]
struct Payload {
    #[prost(bytes = "vec", tag = "1")]
    data: Vec<u8>,
    #[prost(int64, optional, tag = "2")]
    data_crc32c: Option<i64>,
}

fn latest(id: &str) -> Named {
    Named {
        name: format!("projects/my-project-id/secrets/{id}/versions/latest"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_written_by_rest_is_read_by_grpc() {
    let lab = Lab::new();
    lab.secret("api-key", &["123456789"]).await;
    let reply = lab
        .grpc(ACCESS, &lab.administrator, &latest("api-key"))
        .await;
    let read: Accessed = reply.decode();
    assert_eq!(
        lab.plain(&read.name),
        "projects/NUMBER/secrets/api-key/versions/1"
    );
    let payload = read.payload.unwrap();
    assert_eq!(
        (payload.data.as_slice(), payload.data_crc32c),
        (&b"123456789"[..], Some(0xe306_9283))
    );
    assert_eq!(reply.headers["content-type"], "application/grpc");
}

#[tokio::test(start_paused = true)]
async fn an_error_is_in_the_trailers_with_its_details() {
    let lab = Lab::new();
    let reply = lab.grpc(ACCESS, &lab.administrator, &latest("none")).await;
    assert_eq!((reply.http, reply.status), (200, Some(5)));
    assert_eq!(
        lab.plain(&reply.message),
        "Secret [projects/NUMBER/secrets/none] not found or has no versions."
    );
    let reply = lab.grpc(ACCESS, "", &latest("none")).await;
    assert_eq!(reply.status, Some(16));
    assert!(reply.headers.contains_key("grpc-status-details-bin"));
    assert!(reply.body.is_empty());
}

fn post(path: &str, kind: &str, body: &'static [u8]) -> Request<Bytes> {
    Request::post(format!("https://{HOST}{path}"))
        .header("content-type", kind)
        .body(Bytes::from_static(body))
        .unwrap()
}

const GRPC: &str = "application/grpc";

#[rstest]
#[case::empty(b"", 13)]
#[case::a_part_of_a_prefix(b"\0\0\0", 13)]
#[case::too_short(b"\0\0\0\0\x05ab", 13)]
#[case::too_long(b"\0\0\0\0\x00ab", 13)]
#[case::compressed(b"\x01\0\0\0\0", 13)]
#[case::no_such_flag(b"\x02\0\0\0\0", 13)]
#[case::garbage(b"\0\0\0\0\x02\xff\xff", 13)]
#[case::huge(b"\0\xff\xff\xff\xff", 8)]
#[case::no_name(b"\0\0\0\0\0", 16)]
#[tokio::test(start_paused = true)]
async fn a_malformed_message_has_a_status(#[case] body: &'static [u8], #[case] status: i32) {
    let lab = Lab::new();
    let reply = Reply::of(lab.send(post(ACCESS, GRPC, body)).await);
    assert_eq!(
        (reply.http, reply.status),
        (200, Some(status)),
        "{}",
        reply.message
    );
    assert_eq!(lab.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_compression_that_is_not_known_is_unimplemented() {
    let lab = Lab::new();
    let mut request = post(ACCESS, GRPC, b"\x01\0\0\0\0");
    request
        .headers_mut()
        .insert("grpc-encoding", "gzip".parse().unwrap());
    let reply = Reply::of(lab.send(request).await);
    assert_eq!(reply.status, Some(12));
    assert_eq!(reply.headers["grpc-accept-encoding"], "identity");
}

#[rstest]
#[case(
    "/google.cloud.secretmanager.v1.SecretManagerService/Nothing",
    GRPC,
    200,
    Some(12)
)]
#[case("/some.other.v1.Service/AccessSecretVersion", GRPC, 200, Some(12))]
#[case("/nothing", GRPC, 200, Some(12))]
#[case(ACCESS, "application/json", 415, None)]
#[case(ACCESS, "application/grpc-web", 415, None)]
#[tokio::test(start_paused = true)]
async fn what_is_no_method_or_no_grpc_is_told_so(
    #[case] path: &str,
    #[case] kind: &str,
    #[case] http: u16,
    #[case] status: Option<i32>,
) {
    let lab = Lab::new();
    let reply = Reply::of(lab.send(post(path, kind, b"\0\0\0\0\0")).await);
    assert_eq!((reply.http, reply.status), (http, status));
}

#[tokio::test(start_paused = true)]
async fn a_get_of_a_method_is_not_allowed() {
    let lab = Lab::new();
    let request = Request::get(format!("https://{HOST}{ACCESS}")).body(Bytes::new());
    assert_eq!(lab.send(request.unwrap()).await.status(), 405);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_bytes_to_any_method_are_answered_and_taken_down_once(
        method in "(List|Create|Get|Update|Delete|Access)Secrets?(Versions?)?",
        body in proptest::collection::vec(any::<u8>(), 0..64),
        framed in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let lab = Lab::new();
            let mut bytes = Vec::new();
            if framed {
                bytes.push(0);
                bytes.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
            }
            bytes.extend(body);
            let path = format!("/google.cloud.secretmanager.v1.SecretManagerService/{method}");
            let mut request = post(&path, GRPC, b"");
            let token = format!("Bearer {}", lab.administrator);
            request.headers_mut().insert("authorization", token.parse().unwrap());
            *request.body_mut() = bytes.into();
            let reply = Reply::of(lab.send(request).await);
            assert!(reply.status.is_some(), "{reply:?}");
            assert_eq!(lab.count(), 1);
        });
    }
}
