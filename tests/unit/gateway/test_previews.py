"""What belongs to a preview, and what of its headers travels on."""

import pytest

from gateway.preview.headers import cookies, for_browser, for_server
from gateway.preview.host import PreviewHosts

ID = "0192d3a4-0000-7000-8000-00000000abcd"
NAME = ID.replace("-", "")
HOSTS = PreviewHosts("https://preview.example.com:8443")


@pytest.mark.parametrize(
    ("host", "preview_id"),
    [
        (f"{NAME}.preview.example.com", ID),
        (f"{NAME}.preview.example.com:8443", ID),
        (f"{NAME.upper()}.Preview.Example.COM.", ID),
        (f"{NAME[1:]}.preview.example.com", ""),
        (f"a.{NAME}.preview.example.com", ""),
        ("preview.example.com", ""),
        (f"{NAME}.preview.example.com, api.example.com", ""),
        (f"api.example.com, {NAME}.preview.example.com", ""),
    ],
)
def test_host_below_that_of_previews_is_never_the_api(host: str, preview_id: str) -> None:
    """Whether it names a preview or not, nothing but previews is served there."""
    assert HOSTS.is_preview(host)
    assert HOSTS.preview_id(host) == preview_id


@pytest.mark.parametrize(
    "host", ["", "api.example.com", "example.com", "xpreview.example.com", "preview.example.com.evil"]
)
def test_host_beside_that_of_previews_is_the_api(host: str) -> None:
    """A name that only looks alike is another host."""
    assert not HOSTS.is_preview(host)


def test_headers_to_the_server_are_those_of_the_client_alone() -> None:
    """Of one connection, of where it comes from, of our own credentials: nothing."""
    sent = [
        (b"Host", b"x"),
        (b"Connection", b"keep-alive, X-Hop"),
        (b"X-Hop", b"1"),
        (b"Keep-Alive", b"1"),
        (b"Transfer-Encoding", b"chunked"),
        (b"X-Forwarded-For", b"1.2.3.4"),
        (b"Forwarded", b"for=1.2.3.4"),
        (b"Stateroom-Account", b"a"),
        (b"Sec-WebSocket-Key", b"k"),
        (b"Cookie", b"a=1; ours=secret; b=ours=2"),
        (b"cookie", b"ours=secret"),
        (b"Authorization", b"Basic x"),
        (b"Accept", b"*/*"),
    ]
    passed = [(b"cookie", b"a=1; b=ours=2"), (b"authorization", b"Basic x"), (b"accept", b"*/*")]
    assert for_server(sent, "ours", drop_authorization=False) == passed
    assert (b"authorization", b"Basic x") not in for_server(sent, "ours", drop_authorization=True)
    assert cookies(sent, "ours") == ["secret", "secret"]


def test_headers_to_the_browser_are_for_this_host() -> None:
    """Cookies lose their domain, whatever its spelling; nobody sets ours, and nothing leads past the gateway."""
    answered = [
        (b"Set-Cookie", b"a=1; DOMAIN = .example.com ;Path=/"),
        (b"Set-Cookie", b"ours=stolen"),
        (b"Connection", b"close"),
        (b"Alt-Svc", b"h3"),
        (b"Content-Type", b"text/html"),
    ]
    assert for_browser(answered, "ours") == [(b"set-cookie", b"a=1;Path=/"), (b"content-type", b"text/html")]
