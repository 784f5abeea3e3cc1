"""An HTTP client for what runs on this machine."""

import ssl

import httpx


def http_client(url: str | httpx.URL, timeout: float = 60) -> httpx.Client:
    """Without a proxy, and without reading everybody's certificates: that takes a fifth of a second each time."""
    return httpx.Client(base_url=url, timeout=timeout, trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
