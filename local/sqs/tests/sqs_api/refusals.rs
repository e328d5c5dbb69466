//! The requests that AWS refuses, and their error codes.

use serde_json::Value;

use crate::stack::Stack;

/// Action, input, the name in `__type`, and the code in `x-amzn-query-error`.
const CASES: &str = r#"
SendMessage          | {"QueueUrl":"$missing","MessageBody":"b"}                    | QueueDoesNotExist                 | AWS.SimpleQueueService.NonExistentQueue
GetQueueUrl          | {"QueueName":"missing"}                                      | QueueDoesNotExist                 | AWS.SimpleQueueService.NonExistentQueue
SendMessage          | {"QueueUrl":"not a queue","MessageBody":"b"}                 | InvalidAddress                    | InvalidAddress
SendMessage          | {"MessageBody":"b"}                                          | MissingRequiredParameterException | MissingParameter
SendMessage          | {"QueueUrl":"$jobs"}                                         | MissingRequiredParameterException | MissingParameter
SendMessage          | {"QueueUrl":"$jobs","MessageBody":""}                        | MissingRequiredParameterException | MissingParameter
SendMessage          | {"QueueUrl":"$jobs","MessageBody":"\u0000"}                  | InvalidMessageContents            | InvalidMessageContents
SendMessage          | {"QueueUrl":"$jobs","MessageBody":"$1048577"}                | InvalidParameterValueException    | InvalidParameterValue
SendMessage          | {"QueueUrl":"$jobs","MessageBody":"b","DelaySeconds":901}    | InvalidParameterValueException    | InvalidParameterValue
SendMessage          | {"QueueUrl":"$jobs","MessageBody":"b","DelaySeconds":-1}     | InvalidParameterValueException    | InvalidParameterValue
SendMessage          | {"QueueUrl":"$jobs","MessageBody":"b","MessageGroupId":""}   | InvalidParameterValueException    | InvalidParameterValue
SendMessage          | {"QueueUrl":"$jobs","MessageBody":"b","MessageAttributes":{"a":{"DataType":"Text","StringValue":"x"}}}     | InvalidParameterValueException | InvalidParameterValue
SendMessage          | {"QueueUrl":"$jobs","MessageBody":"b","MessageAttributes":{"a":{"DataType":"String","StringValue":""}}}    | InvalidParameterValueException | InvalidParameterValue
SendMessage          | {"QueueUrl":"$jobs","MessageBody":"b","MessageAttributes":{"a":{"DataType":"Number","StringValue":"ten"}}} | InvalidParameterValueException | InvalidParameterValue
SendMessage          | {"QueueUrl":"$jobs","MessageBody":"b","MessageAttributes":{"AWS.a":{"DataType":"String","StringValue":"x"}}} | InvalidParameterValueException | InvalidParameterValue
SendMessage          | {"QueueUrl":1}                                               | SerializationException            | SerializationException
SendMessageBatch     | {"QueueUrl":"$jobs","Entries":[]}                            | EmptyBatchRequest                 | AWS.SimpleQueueService.EmptyBatchRequest
SendMessageBatch     | {"QueueUrl":"$jobs","Entries":[{"Id":"a","MessageBody":"b"},{"Id":"a","MessageBody":"b"}]} | BatchEntryIdsNotDistinct | AWS.SimpleQueueService.BatchEntryIdsNotDistinct
SendMessageBatch     | {"QueueUrl":"$jobs","Entries":[{"Id":"a b","MessageBody":"b"}]} | InvalidBatchEntryId            | AWS.SimpleQueueService.InvalidBatchEntryId
SendMessageBatch     | {"QueueUrl":"$jobs","Entries":[{"Id":"a","MessageBody":"$600000"},{"Id":"b","MessageBody":"$600000"}]} | BatchRequestTooLong | AWS.SimpleQueueService.BatchRequestTooLong
DeleteMessageBatch   | {"QueueUrl":"$jobs","Entries":[{"Id":"0"},{"Id":"1"},{"Id":"2"},{"Id":"3"},{"Id":"4"},{"Id":"5"},{"Id":"6"},{"Id":"7"},{"Id":"8"},{"Id":"9"},{"Id":"10"}]} | TooManyEntriesInBatchRequest | AWS.SimpleQueueService.TooManyEntriesInBatchRequest
ReceiveMessage       | {"QueueUrl":"$jobs","MaxNumberOfMessages":11}                | InvalidParameterValueException    | InvalidParameterValue
ReceiveMessage       | {"QueueUrl":"$jobs","MaxNumberOfMessages":0}                 | InvalidParameterValueException    | InvalidParameterValue
ReceiveMessage       | {"QueueUrl":"$jobs","WaitTimeSeconds":21}                    | InvalidParameterValueException    | InvalidParameterValue
ReceiveMessage       | {"QueueUrl":"$jobs","VisibilityTimeout":43201}               | InvalidParameterValueException    | InvalidParameterValue
ReceiveMessage       | {"QueueUrl":"$jobs","AttributeNames":["Colour"]}             | InvalidAttributeName              | InvalidAttributeName
DeleteMessage        | {"QueueUrl":"$jobs","ReceiptHandle":"garbage"}               | ReceiptHandleIsInvalid            | ReceiptHandleIsInvalid
ChangeMessageVisibility | {"QueueUrl":"$jobs","ReceiptHandle":"garbage"}            | MissingRequiredParameterException | MissingParameter
ChangeMessageVisibility | {"QueueUrl":"$jobs","ReceiptHandle":"garbage","VisibilityTimeout":43201} | InvalidParameterValueException | InvalidParameterValue
SetQueueAttributes   | {"QueueUrl":"$jobs","Attributes":{"VisibilityTimeout":"x"}}  | InvalidAttributeValue             | InvalidAttributeValue
SetQueueAttributes   | {"QueueUrl":"$jobs","Attributes":{"RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:missing\",\"maxReceiveCount\":1}"}} | InvalidParameterValueException | InvalidParameterValue
GetQueueAttributes   | {"QueueUrl":"$jobs","AttributeNames":["Colour"]}             | InvalidAttributeName              | InvalidAttributeName
CreateQueue          | {"QueueName":"jobs","Attributes":{"VisibilityTimeout":"31"}} | QueueNameExists                   | QueueAlreadyExists
CreateQueue          | {"QueueName":"a b"}                                          | InvalidParameterValueException    | InvalidParameterValue
CreateQueue          | {"QueueName":"jobs.fifo"}                                    | UnsupportedOperation              | AWS.SimpleQueueService.UnsupportedOperation
StartMessageMoveTask | {"SourceArn":"arn:aws:sqs:us-east-1:000000000000:missing"}   | ResourceNotFoundException         | ResourceNotFoundException
StartMessageMoveTask | {"SourceArn":"arn:aws:sqs:us-east-1:000000000000:jobs"}      | InvalidParameterValueException    | InvalidParameterValue
CancelMessageMoveTask | {"TaskHandle":"missing"}                                    | ResourceNotFoundException         | ResourceNotFoundException
Explode              | {}                                                           | UnknownOperationException         | UnknownOperationException
"#;

async fn check(stack: &Stack, case: &str) {
    let mut columns = case.split(" | ").map(str::trim);
    let mut column = || columns.next().expect("four columns");
    let (action, input, shape, code) = (column(), column(), column(), column());
    let input = input
        .replace("$jobs", &stack.url)
        .replace("$missing", &stack.endpoints.queue_url("missing"))
        .replace("$1048577", &"x".repeat(1_048_577))
        .replace("$600000", &"x".repeat(600_000));
    let input: Value = serde_json::from_str(&input).expect("JSON");
    let (status, query_error, body) = stack.post(action, &input).await;
    let name = body["__type"]
        .as_str()
        .and_then(|name| name.rsplit('#').next());
    assert_eq!((status, name), (400, Some(shape)), "{case}: {body}");
    assert_eq!(query_error, format!("{code};Sender"), "{case}");
    assert!(
        body["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty()),
        "{case}"
    );
}

#[tokio::test]
async fn what_aws_refuses_is_refused_with_its_code() {
    let stack = Stack::start().await;
    for case in CASES.lines().filter(|line| !line.is_empty()) {
        check(&stack, case).await;
    }
    stack.stop().await;
}
