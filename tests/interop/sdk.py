"""OpenTelemetry's Python SDK for compare.py: a line of JSON in, a line of JSON out, as js/sdk.mjs."""
import json
import sys

from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.propagators.b3 import B3MultiFormat, B3SingleFormat
from opentelemetry.propagators.cloud_trace_propagator import CloudTraceFormatPropagator
from opentelemetry.propagators.jaeger import JaegerPropagator
from opentelemetry.propagators.ot_trace import OTTracePropagator
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

PROPAGATORS = {
    "tracecontext": TraceContextTextMapPropagator(), "baggage": W3CBaggagePropagator(), "b3": B3SingleFormat(),
    "b3multi": B3MultiFormat(), "jaeger": JaegerPropagator(), "xray": AwsXRayPropagator(), "ot": OTTracePropagator(),
    "gcp": CloudTraceFormatPropagator(),
}


def written(item):
    carrier = {}
    state = TraceState.from_header([item["state"]]) if item["state"] else None
    span = SpanContext(int(item["trace"], 16), int(item["span"], 16), True, TraceFlags(item["sampled"]), state)
    context = set_span_in_context(NonRecordingSpan(span), Context())
    for key, value in item["baggage"].items():
        context = baggage.set_baggage(key, value, context)
    PROPAGATORS[item["format"]].inject(carrier, context)
    return {"headers": list(carrier.items())}


def read(item):
    carrier = dict(item["headers"])
    carrier.update({name.title(): value for name, value in carrier.items()})  # its X-Ray looks for one spelling
    context = PROPAGATORS[item["format"]].extract(carrier, Context())
    span = trace.get_current_span(context).get_span_context()
    return {"trace": f"{span.trace_id:032x}", "span": f"{span.span_id:016x}", "sampled": int(span.trace_flags) & 1,
            "state": span.trace_state.to_header(), "baggage": dict(baggage.get_all(context))}


for line in sys.stdin:
    thing = json.loads(line)
    print(json.dumps(read(thing) if "headers" in thing else written(thing)))
