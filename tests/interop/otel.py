"""Contexts from OpenTelemetry's Python SDK to weft and back, 10,000 random ones in each format.

Run by scripts/interop, which installs the SDK. Each context that the SDK writes must be read by weft as it is, and what
weft writes for a call must be read by the SDK as the same trace, under another span.
"""
import random
import subprocess
import sys

from opentelemetry import trace
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.propagators.b3 import B3MultiFormat, B3SingleFormat
from opentelemetry.propagators.cloud_trace_propagator import CloudTraceFormatPropagator
from opentelemetry.propagators.jaeger import JaegerPropagator
from opentelemetry.propagators.ot_trace import OTTracePropagator
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

CONTEXTS = 10_000
LOW = (1 << 64) - 1
FORMATS = {
    "tracecontext": TraceContextTextMapPropagator(), "b3": B3SingleFormat(), "b3multi": B3MultiFormat(),
    "jaeger": JaegerPropagator(), "xray": AwsXRayPropagator(), "gcp": CloudTraceFormatPropagator(), "ot": OTTracePropagator(),
}


def contexts(rng, low_half_only):
    """Random ids, some of them short; OpenTracing's SDK sends the lower half of the trace id alone."""
    for _ in range(CONTEXTS):
        trace_id = rng.getrandbits(rng.choice((128, 128, 64, rng.randint(1, 128)))) or 1
        if low_half_only:
            trace_id = trace_id & LOW or 1
        yield trace_id, rng.getrandbits(rng.choice((64, 64, rng.randint(1, 64)))) or 1, rng.getrandbits(1)


def written(propagator, context):
    trace_id, span_id, sampled = context
    headers = {}
    span = NonRecordingSpan(SpanContext(trace_id, span_id, True, TraceFlags(sampled)))
    propagator.inject(headers, set_span_in_context(span))
    return "\x1f".join(f"{name}\x1e{value}" for name, value in headers.items())


def fault(propagator, context, line):
    """What is wrong with weft's answer; None: nothing."""
    trace_id, span_id, sampled = context
    head, *headers = line.split("\x1f")
    got_trace, got_parent, got_sampled = head.split(" ")
    if (int(got_trace, 16), got_parent, int(got_sampled)) != (trace_id, f"{span_id:016x}", sampled):
        return f"weft read {head}"
    carrier = dict(header.split("\x1e") for header in headers)
    carrier.update({name.title(): value for name, value in carrier.items()})  # its X-Ray looks for one spelling
    span = trace.get_current_span(propagator.extract(carrier)).get_span_context()
    if (span.trace_id, int(span.trace_flags) & 1) != (trace_id, sampled) or span.span_id in (0, span_id):
        return f"the SDK read {span} from {carrier}"
    return None


def main():
    faults = 0
    for name, propagator in FORMATS.items():
        sent = list(contexts(random.Random(name), name == "ot"))
        requests = "\n".join(written(propagator, context) for context in sent) + "\n"
        done = subprocess.run([sys.argv[1], name], input=requests, stdout=subprocess.PIPE, text=True, check=True)
        answers = done.stdout.split("\n")[:-1]
        assert len(answers) == CONTEXTS
        wrong = [(context, why) for context, line in zip(sent, answers) if (why := fault(propagator, context, line))]
        faults += len(wrong)
        print(f"{name:14} {CONTEXTS} contexts, {len(wrong)} differ")
        for context, why in wrong[:3]:
            print(f"    {context}: {why}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
