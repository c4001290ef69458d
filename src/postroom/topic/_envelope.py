r"""
What subscribers get: the message alone (raw), or in an envelope (SNS 8, 9).

A `Notification` is one published message in all its forms. Each form is made when the first subscriber needs it, and once:
what differs between two subscribers of one form is the ARN of the subscription, which is set in between head and tail.

>>> notification = Notification(TopicFace("arn:aws:sns:us-east-1:123456789012:orders", "us-east-1"), "22b80b92", "2 x tea", 0)
>>> print(notification.envelope("arn:…:1"))
{
  "Type" : "Notification",
  "MessageId" : "22b80b92",
  "TopicArn" : "arn:aws:sns:us-east-1:123456789012:orders",
  "Message" : "2 x tea",
  "Timestamp" : "1970-01-01T00:00:00.000Z",
  "SignatureVersion" : "1",
  "Signature" : "ywIYZrZf...",
  "SigningCertURL" : "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-706f7374726f6f6d706f7374726f6f6d.pem",
  "UnsubscribeURL" : "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=arn:…:1"
}
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from json import JSONEncoder
from typing import TYPE_CHECKING, Final

from postroom.clock import to_datetime
from postroom.errors import PostroomError
from postroom.limits import SECOND_US
from postroom.message import NO_ATTRIBUTES, AttributeValue, Parcel, check_body, to_attributes

if TYPE_CHECKING:
    Signer = Callable[[bytes], str]

_CERTIFICATE: Final = "706f7374726f6f6d706f7374726f6f6d"
"""Of no certificate: the word postroom, twice."""
_SIGNATURE_BYTES: Final = 256
_EVENT_HEAD: Final = '{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":"'
_encode: Final = JSONEncoder(ensure_ascii=False).encode
_STANDING_IN_FOR: Final = {"\ufffe": "\\ufffe", "\uffff": "\\uffff"}


def placeholder_signature(string_to_sign: bytes) -> str:
    """
    Stands where a signature stands: of its length, the same for the same message, and verified by nobody (SNS 9.3, 9.4).

    >>> len(placeholder_signature(b"x")), placeholder_signature(b"x") == placeholder_signature(b"x")
    (344, True)
    """
    digest = sha256(string_to_sign).digest()
    return b64encode(digest * (_SIGNATURE_BYTES // len(digest))).decode()


class TopicFace:
    """
    What all envelopes of one topic have in common.

    Args:
        arn: The topic's.
        region: Its region's name.
        certificate: 32 hexadecimal digits, in the name of the file of the certificate.
        sign: What makes a signature of a string to sign.
    """

    __slots__ = ("_second", "arn", "certificate_url", "sign", "unsubscribe_url")

    def __init__(
        self, arn: str, region: str, certificate: str = _CERTIFICATE, sign: Signer = placeholder_signature
    ) -> None:
        host = f"https://sns.{region}.amazonaws.com"
        self.arn: str = arn
        self.certificate_url: str = f"{host}/SimpleNotificationService-{certificate}.pem"
        self.unsubscribe_url: str = f"{host}/?Action=Unsubscribe&SubscriptionArn="
        self.sign: Signer = sign
        self._second: tuple[int, str] = (-1, "")

    def timestamp(self, at: int) -> str:
        """
        An instant as envelopes have it: three decimals, and Z (SNS 8.1).

        >>> TopicFace("arn:aws:sns:us-east-1:123456789012:orders", "us-east-1").timestamp(1_704_067_200_001_999)
        '2024-01-01T00:00:00.001Z'
        """
        second, rest = divmod(at, SECOND_US)
        known, text = self._second
        if second != known:
            text = to_datetime(second * SECOND_US).replace(tzinfo=None).isoformat()
            self._second = (second, text)
        return f"{text}.{rest // 1_000:03}Z"


class Notification:
    """
    One published message, in all the forms in which it is handed on.

    Args:
        face: What the topic adds.
        message_id: As `publish` returned it.
        message: The text.
        at: When it was published, in microseconds since the epoch.
        subject: None: none.
        attributes: As `to_topic_attributes` returned them.
    """

    __slots__ = ("_ends", "_face", "_raw", "_unfit", "at", "attributes", "message", "message_id", "subject")

    def __init__(
        self,
        face: TopicFace,
        message_id: str,
        message: str,
        at: int,
        subject: str | None = None,
        attributes: Mapping[str, AttributeValue] = NO_ATTRIBUTES,
    ) -> None:
        self._face = face
        self.message_id: str = message_id
        self.message: str = message
        self.at: int = at
        self.subject: str | None = subject
        self.attributes: Mapping[str, AttributeValue] = attributes
        self._raw: Parcel | None = None
        self._unfit: list[PostroomError | None] = []
        self._ends: dict[str, tuple[str, ...]] = {}

    def string_to_sign(self) -> bytes:
        """
        What a signature would be made of (SNS 9.1).
        """
        members = [("Message", self.message), ("MessageId", self.message_id)]
        if self.subject is not None:
            members.append(("Subject", self.subject))
        members += [("Timestamp", self.timestamp()), ("TopicArn", self._face.arn), ("Type", "Notification")]
        return "".join(f"{name}\n{value}\n" for name, value in members).encode()

    def timestamp(self) -> str:
        """
        When it was published.
        """
        return self._face.timestamp(self.at)

    # For queues.

    def raw(self) -> Parcel:
        """
        Message and attributes: the same parcel for every queue (SNS 8.3).
        """
        if self._raw is None:
            self._raw = Parcel(self.message, self.attributes, cause=self.message_id)
        return self._raw

    def unfit(self) -> PostroomError | None:
        """
        Why no queue takes it raw: it has eleven attributes, say, and a queue takes ten (SNS 8.3); None: nothing is wrong.
        """
        if not self._unfit:
            try:
                check_body(self.message)
                to_attributes(dict(self.attributes))
            except PostroomError as error:
                self._unfit.append(error)
            else:
                self._unfit.append(None)
        return self._unfit[0]

    def envelope(self, subscription: str) -> str:
        """
        The text that a queue gets that does not get it raw (SNS 8.1).
        """
        ends = self._ends.get("sqs") or self._ends.setdefault("sqs", self._envelope())
        return f"{ends[0]}{subscription}{ends[1]}"

    def _envelope(self) -> tuple[str, str]:
        face = self._face
        subject = "" if self.subject is None else f'  "Subject" : {_quoted(self.subject)},\n'
        head = (
            '{\n  "Type" : "Notification",\n'
            f'  "MessageId" : "{self.message_id}",\n'
            f'  "TopicArn" : "{face.arn}",\n'
            f"{subject}"
            f'  "Message" : {_quoted(self.message)},\n'
            f'  "Timestamp" : "{self.timestamp()}",\n'
            '  "SignatureVersion" : "1",\n'
            f'  "Signature" : "{face.sign(self.string_to_sign())}",\n'
            f'  "SigningCertURL" : "{face.certificate_url}",\n'
            f'  "UnsubscribeURL" : "{face.unsubscribe_url}'
        )
        lines = ",\n".join(f"    {line}" for line in self._attributes(between=" : "))
        attributes = f',\n  "MessageAttributes" : {{\n{lines}\n  }}' if lines else ""
        return head, f'"{attributes}\n}}'

    # For functions.

    def event(self, subscription: str) -> str:
        """
        The event that a function is called with (SNS 8.4).
        """
        ends = self._ends.get("lambda") or self._ends.setdefault("lambda", self._event())
        return f"{ends[0]}{subscription}{ends[1]}{subscription}{ends[2]}"

    def _event(self) -> tuple[str, str, str]:
        face = self._face
        subject = "null" if self.subject is None else _quoted(self.subject)
        attributes = ",".join(self._attributes(plain=True))
        between = (
            f'","Sns":{{"Type":"Notification","MessageId":"{self.message_id}","TopicArn":"{face.arn}","Subject":{subject},'
            f'"Message":{_quoted(self.message)},"Timestamp":"{self.timestamp()}","SignatureVersion":"1",'
            f'"Signature":"{face.sign(self.string_to_sign())}","SigningCertUrl":"{face.certificate_url}",'
            f'"UnsubscribeUrl":"{face.unsubscribe_url}'
        )
        return _EVENT_HEAD, between, f'","MessageAttributes":{{{attributes}}}}}}}]}}'

    # For delivery streams.

    def record(self, subscription: str) -> str:
        """
        The line that a delivery stream gets that does not get it raw: nothing of signatures in it (SNS 8.6).
        """
        ends = self._ends.get("firehose") or self._ends.setdefault("firehose", self._record())
        return f"{ends[0]}{subscription}{ends[1]}"

    def _record(self) -> tuple[str, str]:
        subject = "" if self.subject is None else f'"Subject":{_quoted(self.subject)},'
        members = ",".join(self._attributes())
        attributes = f',"MessageAttributes":{{{members}}}' if members else ""
        head = (
            f'{{"Type":"Notification","MessageId":"{self.message_id}","TopicArn":"{self._face.arn}",{subject}'
            f'"Message":{_quoted(self.message)},"Timestamp":"{self.timestamp()}",'
            f'"UnsubscribeURL":"{self._face.unsubscribe_url}'
        )
        return head, f'"{attributes}}}\n'

    def raw_record(self) -> str:
        """
        The message alone, as a line (SNS 8.6).
        """
        return f"{self.message}\n"

    def _attributes(self, *, between: str = ":", plain: bool = False) -> list[str]:
        """
        Each attribute as a member of a JSON object.

        Args:
            between: Stands between a name and its value.
            plain: A function sees numbers and arrays as Strings (SNS 8.4).
        """
        found: list[str] = []
        for name, (data_type, value) in self.attributes.items():
            shown = data_type
            if plain and (data_type == "String.Array" or data_type.partition(".")[0] == "Number"):
                shown = "String"
            text = b64encode(value).decode() if isinstance(value, bytes) else value
            found.append(f'{_quoted(name)}{between}{{"Type":{_quoted(shown)},"Value":{_quoted(text)}}}')
        return found


def _quoted(text: str) -> str:
    """
    A text as JSON: nothing escaped but what must be, and the two characters that no queue takes (SNS 8.1, SQS 6.2).
    """
    quoted = _encode(text)
    if not text.isascii():
        for character, escaped in _STANDING_IN_FOR.items():
            quoted = quoted.replace(character, escaped)
    return quoted
