"""How the trace of a request goes on to the model."""

from collections.abc import Mapping

from opentelemetry import trace

CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"  # the one header that SageMaker hands on to a container


def outgoing_headers() -> Mapping[str, str]:
    """Headers of InvokeEndpoint by which the model continues the request's trace; none where there is no trace.

    Sign them with the others. The container gets `traceparent=00-<trace>-<span>-<flags>` as custom attributes.
    """
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    ids = f"{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}"
    return {CUSTOM_ATTRIBUTES: f"traceparent=00-{ids}-{context.trace_flags:02x}"}
