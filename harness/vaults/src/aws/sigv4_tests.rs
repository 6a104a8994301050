//! AWS's published vectors, and what must not verify.

use http::{HeaderName, HeaderValue};
use proptest::prelude::*;
use rstest::rstest;

use super::*;

const SECRET: &[u8] = b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SCOPE: &str = "20150830/us-east-1/service/aws4_request";

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    headers
}

/// "Derive a signing key" of the IAM User Guide.
#[test]
fn the_documented_signing_key_is_derived() {
    let key = signing_key(
        b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "20150830/us-east-1/iam/aws4_request",
    );
    // The guide's string to sign for its IAM ListUsers example, and its signature.
    let text = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\nf536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
    assert_eq!(
        hex::encode(hmac::sign(&key, text.as_bytes())),
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
}

/// Of AWS's Signature Version 4 test suite (aws-sig-v4-test-suite, 2015).
#[rstest]
#[case::get_vanilla("GET", "/", "", &[], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
#[case::get_vanilla_query_order_key_case("GET", "/", "Param2=value2&Param1=value1", &[], "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")]
#[case::get_unreserved("GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", &[], "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f")]
#[case::get_utf8("GET", "/ሴ", "", &[], "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85")]
#[case::normalize_relative("GET", "/example/..", "", &[], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
#[case::normalize_slashes("GET", "//example//", "", &[], "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84")]
#[case::normalize_slash_dot("GET", "/./", "", &[], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
#[case::post_vanilla("POST", "/", "", &[], "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")]
#[case::header_value_multiple("GET", "/", "", &[("my-header1", "value4"), ("my-header1", "value1"), ("my-header1", "value3"), ("my-header1", "value2")], "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01")]
#[case::header_value_trim("GET", "/", "", &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")], "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736")]
fn the_published_vectors_verify(
    #[case] method: &str,
    #[case] path: &str,
    #[case] query: &str,
    #[case] extra: &[(&str, &str)],
    #[case] signature: &str,
) {
    let mut pairs = vec![
        ("host", "example.amazonaws.com"),
        ("x-amz-date", "20150830T123600Z"),
    ];
    pairs.extend_from_slice(extra);
    let headers = headers(&pairs);
    let mut signed: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
    signed.sort_unstable();
    let received = Received {
        method: &method.parse().unwrap(),
        path,
        query,
        headers: &headers,
        host: "example.amazonaws.com",
        body: b"",
    };
    let header = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{SCOPE}, SignedHeaders={}, Signature={signature}",
        signed.join(";")
    );
    let authorization = parse(&header).unwrap();
    let checked = verify(
        &authorization,
        &received,
        "us-east-1",
        "service",
        at("2015-08-30T12:40:00Z"),
        |scope| signing_key(SECRET, scope),
    );
    assert_eq!(checked, Ok(()), "{}", canonical_request(&received, &signed));
}

fn vanilla(now: &str, region: &str, service: &str, header: &str) -> Result<(), Unauthenticated> {
    let headers = headers(&[
        ("host", "example.amazonaws.com"),
        ("x-amz-date", "20150830T123600Z"),
    ]);
    let received = Received {
        method: &Method::GET,
        path: "/",
        query: "",
        headers: &headers,
        host: "example.amazonaws.com",
        body: b"",
    };
    verify(
        &parse(header)?,
        &received,
        region,
        service,
        at(now),
        |scope| signing_key(SECRET, scope),
    )
}

const VANILLA: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

#[rstest]
#[case::at_the_early_edge("2015-08-30T12:51:00Z", "us-east-1", "service", None)]
#[case::at_the_late_edge("2015-08-30T12:21:00Z", "us-east-1", "service", None)]
#[case::too_old(
    "2015-08-30T12:51:01Z",
    "us-east-1",
    "service",
    Some(
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)"
    )
)]
#[case::too_new(
    "2015-08-30T12:20:59Z",
    "us-east-1",
    "service",
    Some(
        "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T122059Z + 15 min.)"
    )
)]
#[case::another_region(
    "2015-08-30T12:36:00Z",
    "eu-west-1",
    "service",
    Some("Credential should be scoped to a valid region")
)]
#[case::another_service(
    "2015-08-30T12:36:00Z",
    "us-east-1",
    "sts",
    Some("Credential should be scoped to correct service: 'sts'")
)]
fn date_and_scope_are_judged_by_the_service(
    #[case] now: &str,
    #[case] region: &str,
    #[case] service: &str,
    #[case] refusal: Option<&str>,
) {
    match (vanilla(now, region, service, VANILLA), refusal) {
        (Ok(()), None) => {}
        (Err(Unauthenticated::Mismatch(text)), Some(expected)) => {
            assert!(text.starts_with(expected), "{text}");
        }
        (other, expected) => panic!("{other:?}, expected {expected:?}"),
    }
}

#[rstest]
#[case::host_unsigned("SignedHeaders=host;", "SignedHeaders=", "'Host' or ':authority'")]
#[case::amz_header_unsigned(";x-amz-date", "", "'x-amz-date' must be a 'SignedHeader'")]
#[case::signature("5fa0", "5fa1", "The request signature we calculated does not match")]
#[case::signature_case("5fa0", "5FA0", "The request signature we calculated does not match")]
#[case::absent_header_signed(
    "host;",
    "host;x-other;",
    "The request signature we calculated does not match"
)]
#[case::terminator(
    "aws4_request",
    "aws5_request",
    "Credential should be scoped with a valid terminator"
)]
#[case::day(
    "/20150830/",
    "/20150831/",
    "Date in Credential scope does not match YYYYMMDD"
)]
fn a_changed_authorization_header_does_not_verify(
    #[case] from: &str,
    #[case] to: &str,
    #[case] refusal: &str,
) {
    let header = VANILLA.replacen(from, to, 1);
    assert_ne!(header, VANILLA);
    match vanilla("2015-08-30T12:36:00Z", "us-east-1", "service", &header) {
        Err(Unauthenticated::Mismatch(text)) => assert!(text.starts_with(refusal), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case("", "Unsupported AWS 'algorithm'")]
#[case("Bearer x", "Unsupported AWS 'algorithm'")]
#[case(
    "AWS4-HMAC-SHA256",
    "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter."
)]
#[case(
    "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, Signature=x",
    "Authorization header requires 'SignedHeaders' parameter."
)]
#[case(
    "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=x",
    "Credential must have exactly 5 slash-delimited elements"
)]
fn what_a_header_lacks_is_named(#[case] header: &str, #[case] refusal: &str) {
    match parse(header) {
        Err(Unauthenticated::Incomplete(text)) => assert!(text.starts_with(refusal), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_signed_content_length_is_that_of_the_body() {
    let received = Received {
        method: &Method::POST,
        path: "/",
        query: "",
        headers: &HeaderMap::new(),
        host: "h",
        body: b"four",
    };
    let canonical = canonical_request(&received, &["content-length", "host"]);
    assert!(
        canonical.contains("\ncontent-length:4\nhost:h\n"),
        "{canonical}"
    );
}

proptest! {
    #[test]
    fn any_header_is_parsed_or_refused(header in ".{0,200}") {
        let _ = parse(&header);
        let _ = parse(&format!("AWS4-HMAC-SHA256 {header}"));
    }

    #[test]
    fn a_well_formed_header_comes_back_as_it_was(
        key in "[A-Z0-9]{16,20}", region in "[a-z0-9-]{1,20}", names in prop::collection::vec("[a-z-]{1,12}", 1..6), signature in "[0-9a-f]{64}",
        space in prop::sample::select(vec!["", " ", "  "]),
    ) {
        let scope = format!("20250101/{region}/sts/aws4_request");
        let header = format!("AWS4-HMAC-SHA256 Credential={key}/{scope},{space}SignedHeaders={},{space}Signature={signature}", names.join(";"));
        let parsed = parse(&header).unwrap();
        prop_assert_eq!(parsed.access_key_id, key);
        prop_assert_eq!(parsed.scope, scope);
        prop_assert_eq!(parsed.signed_headers, names);
        prop_assert_eq!(parsed.signature, signature);
    }

    #[test]
    fn any_path_and_query_have_a_canonical_form(path in "/.{0,80}", query in ".{0,80}") {
        prop_assert!(canonical_path(&path).starts_with('/'));
        let once = canonical_query(&query);
        prop_assert_eq!(canonical_query(&once), once);
    }
}
