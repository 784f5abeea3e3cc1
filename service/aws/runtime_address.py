"""Where InvokeEndpoint is, and with what it is signed: the answers boto3 would find, without building its client."""

import ssl
from dataclasses import dataclass

from botocore.configprovider import ConfiguredEndpointProvider
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError
from botocore.httpsession import get_cert_path
from botocore.regions import EndpointResolver
from botocore.session import Session
from botocore.utils import ensure_boolean, get_environ_proxies

SERVICE = "sagemaker-runtime"
SIGNING_NAME = "sagemaker"


@dataclass(frozen=True)
class RuntimeAddress:
    """Base URL without a slash at its end, region, credentials, and how to get through (proxy, TLS)."""

    url: str
    region: str
    credentials: Credentials  # service.aws.runtime_credentials keeps them alive
    proxy: str | None
    tls: ssl.SSLContext | None


def resolve(region: str) -> RuntimeAddress:
    """Read environment, ~/.aws and botocore's endpoint table. Blocks: files, perhaps the metadata service.

    Raises NoCredentialsError when botocore's chain finds none.
    """
    session = Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    url = (_configured_url(session) or _aws_url(session, region)).rstrip("/")
    proxy = get_environ_proxies(url).get(url.partition(":")[0])
    speaks_tls = url.startswith("https:") or (proxy is not None and proxy.lower().startswith("https:"))
    return RuntimeAddress(
        url=url,
        region=region,
        credentials=credentials,
        proxy=proxy,
        tls=_tls(session) if speaks_tls else None,
    )


def _configured_url(session: Session) -> str | None:
    """AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME, AWS_ENDPOINT_URL, or endpoint_url of the profile."""
    if ensure_boolean(session.get_config_variable("ignore_configured_endpoint_urls") or False):
        return None
    provider = ConfiguredEndpointProvider(
        full_config=session.full_config, scoped_config=session.get_scoped_config(), client_name=SERVICE
    )
    url: str | None = provider.provide()
    return url


def _aws_url(session: Session, region: str) -> str:
    resolver = EndpointResolver(session.get_component("data_loader").load_data("endpoints"))
    partition = resolver.get_partition_for_region(region)
    return f"https://runtime.sagemaker.{region}.{resolver.get_partition_dns_suffix(partition)}"


def _tls(session: Session) -> ssl.SSLContext:
    ca_bundle = session.get_config_variable("ca_bundle")
    return ssl.create_default_context(cafile=ca_bundle or get_cert_path(verify=True))
