//! SQS's Query protocol, which SDKs of 2023 and before use.

use crate::stack::{Call, Target};

const LIST: Call = Call {
    name: "SQS, query protocol",
    signed_for: "sqs",
    method: "POST",
    path: "/",
    target: None,
    content_type: "application/x-www-form-urlencoded; charset=utf-8",
    body: "Action=ListQueues&Version=2012-11-05",
};

#[tokio::test]
async fn it_is_refused_in_its_own_shape() {
    let target = Target::start(&[], &[]).await;
    for (path, secret, status, code, words) in [
        (
            "/",
            None,
            400,
            "AWS.SimpleQueueService.UnsupportedOperation",
            "boto3 1.28.82",
        ),
        (
            "/000000000000/jobs",
            None,
            400,
            "AWS.SimpleQueueService.UnsupportedOperation",
            "the AWS JSON protocol",
        ),
        (
            "/",
            Some("another"),
            403,
            "SignatureDoesNotMatch",
            "signature",
        ),
    ] {
        let call = Call { path, ..LIST };
        let headers = target.signed(&call, None, secret);
        let answer = target.send(&call, "POST", &headers).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.head.contains("content-type: text/xml"), "{answer:?}");
        for part in [
            "<ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">",
            "<Type>Sender</Type>",
            &format!("<Code>{code}</Code>"),
            words,
            "<RequestId>",
        ] {
            assert!(answer.body.contains(part), "{part}: {answer:?}");
        }
    }
    let unsigned = target
        .send(&LIST, "POST", &target.headers(&LIST, None))
        .await;
    assert!(
        unsigned
            .body
            .contains("<Code>MissingAuthenticationToken</Code>"),
        "{unsigned:?}"
    );
    target.stop().await;
}
