"""Fetching from URLs, with the options that modules share (`url_argument_spec`)."""

import base64
import email.utils
import http.client
import http.cookiejar
import netrc
import os
import re
import tempfile
import traceback
import urllib.error
import urllib.request
from contextlib import contextmanager  # noqa: F401
from urllib.parse import unquote, urlparse, urlunparse

from ansible.module_utils._trueup.multipart import prepare_multipart  # noqa: F401
from ansible.module_utils.common.collections import is_sequence  # noqa: F401
from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text

try:
    import ssl  # noqa: F401

    from ansible.module_utils._trueup.connections import (
        GzipBody as GzipDecodedReader,
        Redirects as HTTPRedirectHandler,
        UnixHandler as _UnixHandler,
        make_context,
    )

    HAS_SSL = True
except ImportError:
    HAS_SSL = False

HAS_GZIP = True
GZIP_IMP_ERR = None
HAS_GSSAPI = False

# Content of a file travels to disk in pieces of so many bytes.
_PIECE_BYTES = 65536
PEM_CERT_RE = re.compile(
    r"^-----BEGIN CERTIFICATE-----\n.+?-----END CERTIFICATE-----$", re.M | re.S
)


class ConnectionError(Exception):
    """A server cannot be talked to."""


class ProxyError(ConnectionError):
    """A proxy cannot be talked to."""


class SSLValidationError(ConnectionError):
    """A server's certificate is not trusted."""


class NoSSLError(SSLValidationError):
    """This Python cannot speak TLS."""


class MissingModuleError(Exception):
    """A module of Python is missing that an option needs."""

    def __init__(self, message, import_traceback, module=None):
        super(MissingModuleError, self).__init__(message)
        self.import_traceback = import_traceback
        self.module = module


class ParseResultDottedDict(dict):
    """The parts of a URL, as items and as attributes."""

    def __init__(self, *args, **kwargs):
        super(ParseResultDottedDict, self).__init__(*args, **kwargs)
        self.__dict__ = self

    def as_list(self):
        """The parts in the order of a URL."""
        names = ("scheme", "netloc", "path", "params", "query", "fragment")
        return [self.get(name, None) for name in names]


def generic_urlparse(parts):
    """The parts of a parsed URL with user, password, host and port."""
    return ParseResultDottedDict(
        scheme=parts.scheme,
        netloc=parts.netloc,
        path=parts.path,
        params=getattr(parts, "params", ""),
        query=parts.query,
        fragment=parts.fragment,
        username=parts.username,
        password=parts.password,
        hostname=parts.hostname,
        port=parts.port,
    )


def extract_pem_certs(data):
    """Yields the certificates in a text."""
    for match in PEM_CERT_RE.finditer(data):
        yield match.group(0)


def get_response_filename(response):
    """The name of a file that a response is to be saved as: as its headers say, or of its URL."""
    name = response.headers.get_param("filename", header="content-disposition")
    if name is None:
        name = os.path.basename(unquote(urlparse(response.geturl()).path)) or None
        return name
    if isinstance(name, tuple):
        name = email.utils.collapse_rfc2231_value(name)
    return os.path.basename(name)


def parse_content_type(response):
    """The type of a response's content, its main part, its other part, and its character set."""
    kind = response.headers.get_content_type()
    main, _, sub = kind.partition("/")
    charset = response.headers.get_content_charset() or "utf-8"
    return kind, main, sub, charset


def basic_auth_header(username, password):
    """The header's value for a user and a password."""
    pair = "%s:%s" % (username, password or "")
    return b"Basic %s" % base64.b64encode(to_bytes(pair, errors="surrogate_or_strict"))


def rfc2822_date_string(timetuple, zone="-0000"):
    """A time as headers have it."""
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    year, month, day, hour, minute, second, weekday = timetuple[:7]
    return "%s, %02d %s %04d %02d:%02d:%02d %s" % (
        days[weekday],
        day,
        months[month - 1],
        year,
        hour,
        minute,
        second,
        zone,
    )


def get_user_agent():
    """What this says of itself."""
    from ansible.module_utils.ansible_release import __version__ as version

    return "ansible-httpget/%s" % version


def url_argument_spec():
    """The arguments that `fetch_url` reads."""
    return dict(
        url=dict(type="str"),
        force=dict(type="bool", default=False),
        http_agent=dict(type="str", default="ansible-httpget"),
        use_proxy=dict(type="bool", default=True),
        validate_certs=dict(type="bool", default=True),
        url_username=dict(type="str"),
        url_password=dict(type="str", no_log=True),
        force_basic_auth=dict(type="bool", default=False),
        client_cert=dict(type="path"),
        client_key=dict(type="path"),
        use_gssapi=dict(type="bool", default=False),
    )


def getpeercert(response, binary_form=False):
    """The certificate of the server that a response came from, or None."""
    raw = getattr(getattr(response, "fp", None), "raw", None)
    stream = getattr(raw, "_sock", None)
    if not hasattr(stream, "getpeercert"):
        return None
    return stream.getpeercert(binary_form)


def _split_credentials(url):
    """A URL without the user and password in it, and these."""
    parts = urlparse(url)
    if "@" not in parts.netloc:
        return url, None, None
    given, _, host = parts.netloc.rpartition("@")
    user, _, password = given.partition(":")
    bare = urlunparse(parts._replace(netloc=host))
    return bare, unquote(user), unquote(password)


def _credentials_of_netrc(url):
    """The user and password that the user's `.netrc` has for a URL's host."""
    try:
        entry = netrc.netrc(os.environ.get("NETRC")).authenticators(urlparse(url).hostname)
    except (OSError, netrc.NetrcParseError):
        return None
    return (entry[0], entry[2]) if entry else None


class Request:
    """Requests that share options; what a call leaves out is what the object was made with."""

    _OPTIONS = (
        "use_proxy",
        "force",
        "timeout",
        "validate_certs",
        "url_username",
        "url_password",
        "http_agent",
        "force_basic_auth",
        "follow_redirects",
        "client_cert",
        "client_key",
        "cookies",
        "unix_socket",
        "ca_path",
        "unredirected_headers",
        "decompress",
        "ciphers",
        "use_netrc",
        "context",
    )

    def __init__(
        self,
        headers=None,
        use_proxy=True,
        force=False,
        timeout=10,
        validate_certs=True,
        url_username=None,
        url_password=None,
        http_agent=None,
        force_basic_auth=False,
        follow_redirects="urllib2",
        client_cert=None,
        client_key=None,
        cookies=None,
        unix_socket=None,
        ca_path=None,
        unredirected_headers=None,
        decompress=True,
        ciphers=None,
        use_netrc=True,
        context=None,
    ):
        self.headers = headers or {}
        if not isinstance(self.headers, dict):
            raise ValueError("headers must be a dict: %r" % self.headers)
        given = locals()
        for name in self._OPTIONS:
            setattr(self, name, given[name])
        if isinstance(cookies, http.cookiejar.CookieJar):
            self.cookies = cookies
        else:
            self.cookies = http.cookiejar.CookieJar()

    def _fallback(self, value, fallback):
        return fallback if value is None else value

    def open(
        self,
        method,
        url,
        data=None,
        headers=None,
        use_proxy=None,
        force=None,
        last_mod_time=None,
        timeout=None,
        validate_certs=None,
        url_username=None,
        url_password=None,
        http_agent=None,
        force_basic_auth=None,
        follow_redirects=None,
        client_cert=None,
        client_key=None,
        cookies=None,
        use_gssapi=False,
        unix_socket=None,
        ca_path=None,
        unredirected_headers=None,
        decompress=None,
        ciphers=None,
        use_netrc=None,
        context=None,
    ):
        """Sends a request and returns the response; raises what urllib raises."""
        if headers is None:
            headers = {}
        elif not isinstance(headers, dict):
            raise ValueError("headers must be a dict")
        headers = dict(self.headers, **headers)
        given = locals()
        option = {name: self._fallback(given[name], getattr(self, name)) for name in self._OPTIONS}
        if use_gssapi:
            raise MissingModuleError(
                "Use of GSSAPI authentication requires the 'gssapi' Python library, which Trueup's"
                " urls does not use",
                import_traceback=None,
                module="gssapi",
            )
        url, handlers, auth = self._authentication(url, option)
        headers.update(auth)
        secure = option["context"]
        if secure is None and HAS_SSL:
            secure = make_context(
                cafile=option["ca_path"],
                ciphers=option["ciphers"],
                validate_certs=option["validate_certs"],
                client_cert=option["client_cert"],
                client_key=option["client_key"],
            )
        if option["unix_socket"]:
            handlers.append(_UnixHandler(option["unix_socket"], secure))
        elif HAS_SSL:
            handlers.append(urllib.request.HTTPSHandler(context=secure))
        if not option["use_proxy"]:
            handlers.append(urllib.request.ProxyHandler({}))
        handlers.append(HTTPRedirectHandler(option["follow_redirects"]))
        if option["cookies"] is not None:
            handlers.append(urllib.request.HTTPCookieProcessor(option["cookies"]))
        opener = urllib.request.build_opener(*handlers)
        body = to_bytes(data, nonstring="passthru")
        request = urllib.request.Request(url, data=body, method=method.upper())
        self._set_headers(request, headers, option, last_mod_time)
        response = opener.open(request, None, option["timeout"])
        if option["decompress"] and response.headers.get("content-encoding", "").lower() == "gzip":
            response.fp = GzipDecodedReader(response.fp)
            # How much there will be is no longer known.
            response.length = None
        return response

    def _set_headers(self, request, headers, option, last_mod_time):
        agent = option["http_agent"]
        if agent:
            request.add_header("User-agent", agent)
        # A cached answer is not wanted, or only a newer one.
        if option["force"]:
            request.add_header("cache-control", "no-cache")
        elif last_mod_time:
            stamp = rfc2822_date_string(last_mod_time.timetuple(), "GMT")
            request.add_header("If-Modified-Since", stamp)
        kept = [name.lower() for name in option["unredirected_headers"] or []]
        for name, value in headers.items():
            if name.lower() in kept:
                request.add_unredirected_header(name, value)
            else:
                request.add_header(name, value)

    @staticmethod
    def _authentication(url, option):
        """A URL without credentials, and the handlers and headers that bring them."""
        bare, user, password = _split_credentials(url)
        if option["url_username"]:
            user, password = option["url_username"], option["url_password"] or ""
        if user is not None and not option["force_basic_auth"]:
            passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
            passwords.add_password(None, bare, user, password)
            handlers = [
                urllib.request.HTTPBasicAuthHandler(passwords),
                urllib.request.HTTPDigestAuthHandler(passwords),
            ]
            return bare, handlers, {}
        if user is not None:
            return bare, [], {"Authorization": to_native(basic_auth_header(user, password))}
        if option["use_netrc"]:
            known = _credentials_of_netrc(bare)
            if known:
                return bare, [], {"Authorization": to_native(basic_auth_header(*known))}
        return bare, [], {}

    def get(self, url, **kwargs):
        """Sends a GET request."""
        return self.open("GET", url, **kwargs)

    def options(self, url, **kwargs):
        """Sends an OPTIONS request."""
        return self.open("OPTIONS", url, **kwargs)

    def head(self, url, **kwargs):
        """Sends a HEAD request."""
        return self.open("HEAD", url, **kwargs)

    def post(self, url, data=None, **kwargs):
        """Sends a POST request."""
        return self.open("POST", url, data=data, **kwargs)

    def put(self, url, data=None, **kwargs):
        """Sends a PUT request."""
        return self.open("PUT", url, data=data, **kwargs)

    def patch(self, url, data=None, **kwargs):
        """Sends a PATCH request."""
        return self.open("PATCH", url, data=data, **kwargs)

    def delete(self, url, **kwargs):
        """Sends a DELETE request."""
        return self.open("DELETE", url, **kwargs)


def open_url(
    url,
    data=None,
    headers=None,
    method=None,
    use_proxy=True,
    force=False,
    last_mod_time=None,
    timeout=10,
    validate_certs=True,
    url_username=None,
    url_password=None,
    http_agent=None,
    force_basic_auth=False,
    follow_redirects="urllib2",
    client_cert=None,
    client_key=None,
    cookies=None,
    use_gssapi=False,
    unix_socket=None,
    ca_path=None,
    unredirected_headers=None,
    decompress=True,
    ciphers=None,
    use_netrc=True,
):
    """Sends one request and returns the response: POST with data, GET without."""
    given = dict(locals())
    url, method = given.pop("url"), given.pop("method")
    method = method or ("POST" if data else "GET")
    return Request().open(method, url, **given)


def _cookie_facts(cookies):
    """Cookies by name, and as a header has them."""
    found = {cookie.name: cookie.value for cookie in cookies}
    # The last one with a name counts, in the order in which they were set.
    text = "; ".join("%s=%s" % (cookie.name, cookie.value) for cookie in cookies)
    return found, text


def fetch_url(
    module,
    url,
    data=None,
    headers=None,
    method=None,
    use_proxy=None,
    force=False,
    last_mod_time=None,
    timeout=10,
    use_gssapi=False,
    unix_socket=None,
    ca_path=None,
    cookies=None,
    unredirected_headers=None,
    decompress=True,
    ciphers=None,
    use_netrc=True,
):
    """Sends one request as a module's arguments say; returns the response and a dict about it.

    The dict has `url`, `status`, `msg`, the headers in lower case, `cookies`, and `body` where the
    status is one of failure. A status of -1 is that of no answer; the response is None then.
    """
    if not HAS_SSL and url.lower().startswith("https"):
        module.fail_json(
            msg="Python was built without its ssl module, which %s needs" % url, url=url
        )
    # Files on the way are the module's own.
    tempfile.tempdir = module.tmpdir
    params = module.params
    if use_proxy is None:
        use_proxy = params.get("use_proxy", True)
    cookies = cookies if cookies is not None else http.cookiejar.CookieJar()
    follow = params.get("follow_redirects", "urllib2")
    follow = follow if follow is not None else "urllib2"
    response = None
    info = dict(url=url, status=-1)
    try:
        response = open_url(
            url,
            data=data,
            headers=headers,
            method=method,
            use_proxy=use_proxy,
            force=force,
            last_mod_time=last_mod_time,
            timeout=timeout,
            validate_certs=params.get("validate_certs", True),
            url_username=params.get("url_username", ""),
            url_password=params.get("url_password", ""),
            http_agent=params.get("http_agent", get_user_agent()),
            force_basic_auth=params.get("force_basic_auth", ""),
            follow_redirects=follow,
            client_cert=params.get("client_cert"),
            client_key=params.get("client_key"),
            cookies=cookies,
            use_gssapi=params.get("use_gssapi", use_gssapi),
            unix_socket=unix_socket,
            ca_path=ca_path,
            unredirected_headers=unredirected_headers,
            decompress=decompress,
            ciphers=ciphers,
            use_netrc=use_netrc,
        )
        info.update((name.lower(), value) for name, value in response.info().items())
        # Several headers of a name are one, as they are to each other.
        for name in {name.lower() for name in response.headers.keys()}:
            info[name] = ", ".join(response.headers.get_all(name))
        info["cookies"], info["cookies_string"] = _cookie_facts(cookies)
        info.update(
            msg="OK (%s bytes)" % response.headers.get("Content-Length", "unknown"),
            url=response.geturl(),
            status=response.code,
        )
    except (ConnectionError, ValueError) as error:
        module.fail_json(msg=to_native(error), **info)
    except MissingModuleError as error:
        module.fail_json(msg=to_text(error), exception=error.import_traceback)
    except urllib.error.HTTPError as error:
        response = error
        try:
            if error.fp is None:
                raise AttributeError("no body")
            body = error.read()
        except AttributeError:
            body = ""
        else:
            error.close()
        info.update((name.lower(), value) for name, value in error.info().items())
        info.update(msg=to_native(error), body=body, status=error.code)
    except urllib.error.URLError as error:
        status = int(getattr(error, "code", -1))
        info.update(msg="Request failed: %s" % to_native(error), status=status)
    except OSError as error:
        info.update(msg="Connection failure: %s" % to_native(error), status=-1)
    except http.client.BadStatusLine as error:
        message = "Connection failure: connection was closed before a valid response was received"
        info.update(msg="%s: %s" % (message, to_native(error.line)), status=-1)
    except Exception as error:
        info.update(
            msg="An unknown error occurred: %s" % to_native(error),
            exception=traceback.format_exc(),
            status=-1,
        )
    finally:
        tempfile.tempdir = None
    return response, info


def fetch_file(
    module,
    url,
    data=None,
    headers=None,
    method=None,
    use_proxy=True,
    force=False,
    last_mod_time=None,
    timeout=10,
    unredirected_headers=None,
    decompress=True,
    ciphers=None,
):
    """Fetches a file into the module's folder for temporary files and returns its path.

    It keeps the end of its name, and is removed when the module ends. A failure is the module's.
    """
    base, ending = _split_endings(os.path.basename(urlparse(url).path))
    with tempfile.NamedTemporaryFile(
        dir=module.tmpdir, prefix=base, suffix=ending, delete=False
    ) as out:
        module.add_cleanup_file(out.name)
        try:
            response, info = fetch_url(
                module,
                url,
                data,
                headers,
                method,
                use_proxy,
                force,
                last_mod_time,
                timeout,
                unredirected_headers=unredirected_headers,
                decompress=decompress,
                ciphers=ciphers,
            )
            if not response or response.code and info["status"] >= 400:
                module.fail_json(msg="Failure downloading %s, %s" % (url, info["msg"]))
            for piece in iter(lambda: response.read(_PIECE_BYTES), b""):
                out.write(piece)
        except Exception as error:
            module.fail_json(msg="Failure downloading %s, %s" % (url, to_native(error)))
    return out.name


def _split_endings(name):
    """A name and its endings, two at most, such as `.tar.gz`."""
    base, ending = os.path.splitext(name)
    if not re.match(r"^\.[a-z0-9]{1,4}$", ending, re.I):
        return name, ""
    rest, more = os.path.splitext(base)
    if re.match(r"^\.[a-z][a-z0-9]{1,3}$", more, re.I):
        return rest, more + ending
    return base, ending
