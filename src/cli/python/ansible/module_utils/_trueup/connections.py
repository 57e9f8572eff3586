"""What urllib is taught: sockets of Unix, TLS as it is asked for, and which redirects to follow."""

import gzip
import http.client
import io
import socket
import ssl
import urllib.error
import urllib.request

from ansible.module_utils.common.text.converters import to_native

# Redirects of these stay what they were: the same method with the same body.
_KEEPS_METHOD = (307, 308)
_REDIRECTS = (301, 302, 303, 307, 308)
# What does not belong to a request without a body.
_BODY_HEADERS = ("content-length", "content-type", "transfer-encoding")


def make_context(
    cafile=None,
    cadata=None,
    capath=None,
    ciphers=None,
    validate_certs=True,
    client_cert=None,
    client_key=None,
):
    """The TLS that a connection speaks."""
    if ciphers is None:
        ciphers = []
    if isinstance(ciphers, (str, bytes)):
        raise TypeError("Ciphers must be a list. Got %s." % ciphers.__class__.__name__)
    if validate_certs:
        context = ssl.create_default_context(cafile=cafile)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if (cafile or cadata or capath) and validate_certs:
        context.load_verify_locations(cafile=cafile, cadata=cadata, capath=capath)
    if ciphers:
        context.set_ciphers(":".join(ciphers))
    if client_cert:
        context.load_cert_chain(client_cert, keyfile=client_key)
    return context


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects as `follow_redirects` says: all, none, or those of safe methods."""

    def __init__(self, follow_redirects=None):
        self.follow_redirects = follow_redirects

    def __call__(self, *args, **kwargs):
        return self

    # Pythons before 3.11 do not know of it.
    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        policy = self.follow_redirects
        refusal = urllib.error.HTTPError(req.get_full_url(), code, msg, headers, fp)
        if policy is None or policy == "urllib2":
            base = urllib.request.HTTPRedirectHandler
            return base.redirect_request(self, req, fp, code, msg, headers, newurl)
        if policy in ("no", "none", False):
            raise refusal
        method = req.get_method()
        if policy in ("all", "yes", True):
            if code not in _REDIRECTS:
                raise refusal
        elif policy == "safe":
            if code not in _REDIRECTS or method not in ("GET", "HEAD"):
                raise refusal
        else:
            raise refusal
        data, sent = req.data, req.headers
        if code not in _KEEPS_METHOD:
            if method != "HEAD" and (code == 303 or method == "POST"):
                method = "GET"
            data = None
            sent = {
                name: value for name, value in sent.items() if name.lower() not in _BODY_HEADERS
            }
        newurl = newurl.replace(" ", "%20")
        return urllib.request.Request(
            newurl,
            data=data,
            headers=sent,
            origin_req_host=req.origin_req_host,
            unverifiable=True,
            method=method.upper(),
        )


class _UnixConnection(http.client.HTTPConnection):
    """A connection through a socket of Unix."""

    def __init__(self, path, host, **kwargs):
        super(_UnixConnection, self).__init__(host, **kwargs)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if self.timeout is not socket._GLOBAL_DEFAULT_TIMEOUT:
            self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError as error:
            raise OSError(
                "Invalid Socket File (%s): %s" % (self._path, to_native(error))
            )


class _UnixTlsConnection(_UnixConnection):
    """A connection with TLS through a socket of Unix."""

    def __init__(self, path, host, context=None, **kwargs):
        super(_UnixTlsConnection, self).__init__(path, host, **kwargs)
        self._context = context

    def connect(self):
        super(_UnixTlsConnection, self).connect()
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)


class UnixHandler(urllib.request.AbstractHTTPHandler):
    """Has http and https go through a socket of Unix."""

    handler_order = 100

    def __init__(self, path, context=None):
        super(UnixHandler, self).__init__()
        self._path = path
        self._tls = context

    http_request = urllib.request.AbstractHTTPHandler.do_request_
    https_request = urllib.request.AbstractHTTPHandler.do_request_

    def http_open(self, req):
        """Opens a request without TLS."""
        return self.do_open(
            lambda host, **kwargs: _UnixConnection(self._path, host, **kwargs), req
        )

    def https_open(self, req):
        """Opens a request with TLS."""
        return self.do_open(
            lambda host, **kwargs: _UnixTlsConnection(
                self._path, host, context=self._tls, **kwargs
            ),
            req,
        )


class GzipBody(gzip.GzipFile):
    """The content of a body that came compressed."""

    def __init__(self, fp):
        self._source = fp
        super(GzipBody, self).__init__(mode="rb", fileobj=io.BufferedReader(fp))

    def close(self):
        try:
            super(GzipBody, self).close()
        finally:
            self._source.close()
