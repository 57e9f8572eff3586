"""Forms with files, as browsers send them."""

import email.mime.application
import email.mime.multipart
import email.mime.nonmultipart
import email.parser
import email.policy
import mimetypes
import os
from collections.abc import Mapping

from ansible.module_utils.common.text.converters import to_bytes, to_native


def _kind(name, given):
    """A type of content: the given one, or the one that a file's name tells."""
    if given:
        return given
    try:
        return mimetypes.guess_type(name or "", strict=False)[0] or "application/octet-stream"
    except Exception:
        return "application/octet-stream"


def _part(name, value):
    """One field of a form."""
    filename = None
    if isinstance(value, (str, bytes)):
        main, sub, content = "text", "plain", value
    elif isinstance(value, Mapping):
        filename = value.get("filename")
        content = value.get("content")
        if not any((filename, content)):
            raise ValueError("at least one of filename or content must be provided")
        main, slash, sub = _kind(filename, value.get("mime_type")).partition("/")
        if not slash:
            main, sub = "application", "octet-stream"
    else:
        raise TypeError(
            "value must be a string, or mapping, cannot be type %s" % value.__class__.__name__
        )
    if content is None and filename:
        with open(to_bytes(filename, errors="surrogate_or_strict"), "rb") as stream:
            part = email.mime.application.MIMEApplication(stream.read())
        del part["Content-Type"]
        part.add_header("Content-Type", "%s/%s" % (main, sub))
    else:
        part = email.mime.nonmultipart.MIMENonMultipart(main, sub)
        part.set_payload(to_bytes(content))
    part.add_header("Content-Disposition", "form-data")
    del part["MIME-Version"]
    part.set_param("name", name, header="Content-Disposition")
    if filename:
        part.set_param(
            "filename", to_native(os.path.basename(filename)), header="Content-Disposition"
        )
    return part


def prepare_multipart(fields):
    """The type of content and the body of a form: `("multipart/form-data; boundary=...", bytes)`.

    Fields are texts, or dicts with `filename`, `content` and `mime_type`.
    """
    if not isinstance(fields, Mapping):
        raise TypeError(
            "Mapping is required, cannot be type %s" % fields.__class__.__name__
        )
    form = email.mime.multipart.MIMEMultipart("form-data")
    for name, value in sorted(fields.items()):
        form.attach(_part(name, value))
    text = form.as_bytes(policy=email.policy.HTTP)
    head, _, body = text.partition(b"\r\n\r\n")
    parser = email.parser.BytesHeaderParser(policy=email.policy.HTTP)
    kind = parser.parsebytes(head)["content-type"]
    return str(kind), body
