"""The two queues in moto, as template.yaml makes them, and the mapping by which Lambda gives the messages to the function."""

import base64
import gzip
import json
import re

REGION = "us-east-1"
# As in template.yaml.
VISIBILITY = 5400
RETENTION = 1209600
MAX_RECEIVES = 50
BATCH = 10
# The longest that SQS keeps a message for who took it.
LONGEST_HOLD = 43200
# No message is held back for longer.
LONGEST_WAIT = 3601


class Queues:
    """An undelivered queue with its dead-letter queue. What comes out of them is taken with boto3, so by the real protocol."""

    def __init__(self, moto, name, max_receives=MAX_RECEIVES):
        self.moto, self.sqs = moto, moto.client("sqs", REGION)
        attributes = {"MessageRetentionPeriod": str(RETENTION)}
        self.dead = self.sqs.create_queue(QueueName=f"{name}-dead", Attributes=attributes)["QueueUrl"]
        redrive = {"deadLetterTargetArn": self.arn(self.dead), "maxReceiveCount": max_receives}
        attributes |= {"VisibilityTimeout": str(VISIBILITY), "RedrivePolicy": json.dumps(redrive)}
        self.undelivered = self.sqs.create_queue(QueueName=f"{name}-undelivered", Attributes=attributes)["QueueUrl"]

    def variables(self):
        return {"PODFERRY_UNDELIVERED_QUEUE_URL": self.undelivered, "PODFERRY_DEAD_LETTER_QUEUE_URL": self.dead}

    def arn(self, queue):
        return self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def put(self, body):
        self.sqs.send_message(QueueUrl=self.undelivered, MessageBody=body)

    def receive(self, queue=None, hold=VISIBILITY):
        """A batch of the messages that can be had at this moment."""
        return self.sqs.receive_message(
            QueueUrl=queue or self.undelivered, MaxNumberOfMessages=BATCH, VisibilityTimeout=hold,
            AttributeNames=["All"], MessageAttributeNames=["All"],
        ).get("Messages", [])

    def take(self, queue):
        """All messages of a queue, once nothing is held back. They are held for who calls this."""
        found = {}
        # What is held would come again if rows that run at the same time put the same clock forward, and be taken for the end.
        with self.moto.clock_held():
            self.moto.put_forward(LONGEST_WAIT)
            while new := [message for message in self.receive(queue, LONGEST_HOLD) if message["MessageId"] not in found]:
                found |= {message["MessageId"]: message for message in new}
        return list(found.values())

    def hand_out(self, function, messages):
        """One invocation of the mapping: what the function does not name is deleted. The answer, and the ids that it names."""
        answer = function.invoke(event(messages, self.arn(self.undelivered)))
        body = answer.body
        named = [each["itemIdentifier"] for each in body["batchItemFailures"]] if "batchItemFailures" in body else None
        for message in messages:
            if named is not None and message["MessageId"] not in named:
                self.sqs.delete_message(QueueUrl=self.undelivered, ReceiptHandle=message["ReceiptHandle"])
        return answer, named

    def drain(self, function, messages=()):
        """Hands out these messages, and then until nothing is left and nothing held back. How many that were in all."""
        for start in range(0, len(messages), BATCH):
            self.hand_out(function, messages[start : start + BATCH])
        count = len(messages)
        for _ in range(100):
            self.moto.put_forward(LONGEST_WAIT)
            batch = self.receive()
            if not batch:
                return count
            count += len(batch)
            self.hand_out(function, batch)
        raise AssertionError("the queue does not become empty")

    def redrive(self, dead):
        """What an operator does with dead letters, once their reason is gone."""
        for message in dead:
            self.put(message["Body"])
            self.sqs.delete_message(QueueUrl=self.dead, ReceiptHandle=message["ReceiptHandle"])


def waited(body):
    """A message whose time has come: moto's clock can be put forward, the function's cannot."""
    return re.sub(r'"not_before_ms":\d+', '"not_before_ms":null', body)


def event(messages, arn):
    """As Lambda's mapping writes it. Source: AWS, "Using Lambda with Amazon SQS"."""
    records = [
        {
            "messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"], "body": waited(message["Body"]),
            "attributes": message["Attributes"], "messageAttributes": {}, "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs", "eventSourceARN": arn, "awsRegion": REGION,
        }
        for message in messages
    ]
    return json.dumps({"Records": records}).encode()


def logs(message):
    """The logs in a message of podferry's own, made with DD_COMPRESSION=gzip."""
    body = json.loads(message["Body"])
    if body["podferry"]["encoding"] == "json":
        return body["payload"]
    return json.loads(gzip.decompress(base64.b64decode(body["data"])))
