"""What the handler raises. `status_code` tells the model server whose fault it is; without one it is the model's (500).

RequestError
+-- UnreadableImage         400   damaged, truncated or empty
+-- InvalidArray            400   application/x-npy of another shape or type
+-- InvalidAccept           400   a parameter of Accept, such as top_k, is not acceptable
+-- NotAcceptable           406
+-- ImageTooLarge           413
+-- UnsupportedMediaType    415
BrokenModel                       a file of the artifact is missing or wrong
CannotServe                       the artifact is well, and not for this machine or these settings
NetworkFailed                     the network answered something that is no number
"""

from typing import ClassVar


class RequestError(Exception):
    """The request cannot be answered; the message says why and what to send instead."""

    status_code: ClassVar[int] = 400


class UnreadableImage(RequestError):
    """The bytes begin like an image but cannot be decoded, or there are none."""


class InvalidArray(RequestError):
    """The array is not uint8 [height, width, 3] or [N, height, width, 3]."""


class InvalidAccept(RequestError):
    """A parameter of the Accept header is unknown or out of range."""


class NotAcceptable(RequestError):
    """No media type of the Accept header can be answered."""

    status_code = 406


class ImageTooLarge(RequestError):
    """More pixels, or more images, than one request may have."""

    status_code = 413


class UnsupportedMediaType(RequestError):
    """The body is no image format that the handler reads."""

    status_code = 415


class BrokenModel(Exception):
    """A file of the model artifact is missing or wrong; the message names it."""


class CannotServe(Exception):
    """The artifact does not fit MODEL_PRECISION, MODEL_DEVICE or the machine's GPU; the message says what to change."""


class NetworkFailed(Exception):
    """The network answered NaN or infinity."""
