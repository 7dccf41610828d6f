// OpenTelemetry's JS SDK for compare.py: a line of JSON in, a line of JSON out.
//
//   {"format", "trace", "span", "sampled", "state", "baggage"}   what inject() writes: {"headers": [[name, value], …]}
//   {"format", "headers": [[name, value], …]}                    what extract() reads: {"trace", "span", "sampled", …}
import {createInterface} from 'node:readline';
import {createTraceState, defaultTextMapGetter, defaultTextMapSetter, propagation, ROOT_CONTEXT, trace} from '@opentelemetry/api';
import {W3CBaggagePropagator, W3CTraceContextPropagator} from '@opentelemetry/core';
import {B3InjectEncoding, B3Propagator} from '@opentelemetry/propagator-b3';
import {JaegerPropagator} from '@opentelemetry/propagator-jaeger';
import {AWSXRayPropagator} from '@opentelemetry/propagator-aws-xray';
import {OTTracePropagator} from '@opentelemetry/propagator-ot-trace';
import {CloudPropagator} from '@google-cloud/opentelemetry-cloud-trace-propagator';

const PROPAGATORS = {
    tracecontext: new W3CTraceContextPropagator(),
    baggage: new W3CBaggagePropagator(),
    b3: new B3Propagator({injectEncoding: B3InjectEncoding.SINGLE_HEADER}),
    b3multi: new B3Propagator({injectEncoding: B3InjectEncoding.MULTI_HEADER}),
    jaeger: new JaegerPropagator(),
    xray: new AWSXRayPropagator(),
    ot: new OTTracePropagator(),
    gcp: new CloudPropagator(),
};

function written(item) {
    const carrier = {};
    let context = trace.setSpanContext(ROOT_CONTEXT, {
        traceId: item.trace,
        spanId: item.span,
        traceFlags: item.sampled,
        isRemote: true,
        traceState: item.state ? createTraceState(item.state) : undefined,
    });
    const entries = Object.entries(item.baggage).map(([key, value]) => [key, {value}]);
    if (entries.length > 0)
        context = propagation.setBaggage(context, propagation.createBaggage(Object.fromEntries(entries)));
    PROPAGATORS[item.format].inject(context, carrier, defaultTextMapSetter);
    return {headers: Object.entries(carrier)};
}

function read(item) {
    const carrier = Object.fromEntries(item.headers);
    const context = PROPAGATORS[item.format].extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
    const span = trace.getSpanContext(context);
    const entries = propagation.getBaggage(context)?.getAllEntries() ?? [];
    return {
        trace: span?.traceId ?? null,
        span: span?.spanId ?? null,
        sampled: (span?.traceFlags ?? 0) & 1,
        state: span?.traceState?.serialize() ?? '',
        baggage: Object.fromEntries(entries.map(([key, entry]) => [key, entry.value])),
    };
}

for await (const line of createInterface({input: process.stdin})) {
    const item = JSON.parse(line);
    process.stdout.write(JSON.stringify(item.headers ? read(item) : written(item)) + '\n');
}
