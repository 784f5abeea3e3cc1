"""Prometheus metrics of one app, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

from service.domain.timings import Timings
from service.observability.exchange import Exchange

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
OTHER_METHOD = "other"
OTHER_ENDPOINT = "_other"  # no endpoint can be called so
MAX_ENDPOINTS = 100
UPLOAD_ROUTES = frozenset({"/predict", "/endpoints/{name}/predict", "/endpoints/{name}/predictions"})
STAGES = ("parse", "sign", "wait", "model")
REQUEST_SECONDS = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
STAGE_SECONDS = (0.0001, 0.0002, 0.0005, *REQUEST_SECONDS)
UPLOAD_BYTES = (2**12, 2**14, 2**16, 2**17, 2**18, 2**19, 2**20, 2**21, 2**22, 6 * 2**20, 2**24, 2**26)


class Metrics:
    """Counts in memory; `registry` is what GET /metrics answers."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        labels = ("method", "route", "status")
        self._requests = Counter(
            "sagehound_http_requests", "Requests that are answered.", labels, registry=self.registry
        )
        self._seconds = Histogram(
            "sagehound_http_request_duration_seconds",
            "From the request's first line to the answer's end.",
            labels,
            buckets=REQUEST_SECONDS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "sagehound_http_requests_in_flight", "Requests that are not answered yet.", registry=self.registry
        )
        self._problems = Counter("sagehound_problems", "Answers that are problems.", ("type",), registry=self.registry)
        self._stages = Histogram(
            "sagehound_prediction_stage_duration_seconds",
            "Where the time of a prediction went.",
            ("endpoint", "stage"),
            buckets=STAGE_SECONDS,
            registry=self.registry,
        )
        self._upload_bytes = Histogram(
            "sagehound_upload_bytes", "Sizes of uploads of images.", buckets=UPLOAD_BYTES, registry=self.registry
        )
        self.log_lines_dropped = Counter(
            "sagehound_log_lines_dropped", "Log lines that standard output did not take.", registry=self.registry
        )
        self._of_requests: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._endpoints: dict[str, tuple[Histogram, ...]] = {}

    def observe(self, exchange: Exchange) -> None:
        """Count a request that is over."""
        method = exchange.method if exchange.method in METHODS else OTHER_METHOD
        key = (method, exchange.route, exchange.status // 100)
        if key not in self._of_requests:  # labels() takes longer than counting
            labels = (method, exchange.route, f"{key[2]}xx")
            self._of_requests[key] = (self._requests.labels(*labels), self._seconds.labels(*labels))
        requests, seconds = self._of_requests[key]
        requests.inc()
        seconds.observe(exchange.seconds)
        if exchange.problem is not None:
            self._problems.labels(exchange.problem.type_uri()).inc()
        if exchange.bytes_in and exchange.route in UPLOAD_ROUTES:
            self._upload_bytes.observe(exchange.bytes_in)
        if exchange.timings is not None:
            self._observe_stages(exchange.timings, answered=exchange.status < 400)

    def _observe_stages(self, timings: Timings, *, answered: bool) -> None:
        stages = self._stages_of(timings.endpoint, answered=answered)
        for histogram, seconds in zip(stages, (timings.parse, timings.sign, timings.wait, timings.model), strict=True):
            if answered or seconds > 0:  # of a prediction that failed, the stages that it came to
                histogram.observe(seconds)

    def _stages_of(self, endpoint: str, *, answered: bool) -> tuple[Histogram, ...]:
        """A name gets labels of its own once it has answered, so that made-up names fill nothing."""
        known = endpoint in self._endpoints
        label = endpoint if known or (answered and len(self._endpoints) < MAX_ENDPOINTS) else OTHER_ENDPOINT
        if label not in self._endpoints:
            self._endpoints[label] = tuple(self._stages.labels(label, stage) for stage in STAGES)
        return self._endpoints[label]
