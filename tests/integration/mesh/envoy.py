"""Envoy, set up as at the edge of a system or as a sidecar: its configuration, and its JSON access log.

Both logs (a request's, and with `attempts` one line for each attempt upstream) have the fields of weft's own lines, so that
one query finds them all. The caller's trace header is not in the request any more when a line is written, as Envoy has put
its own span into it; the filter set_filter_state keeps it.
"""
import collections
import json
import os
import urllib.request

from parts import Program, servers, whole_lines

TYPE = "type.googleapis.com/envoy.extensions"
FLUSH_MS = 20
ADMIN_S = 10


# sampled_percent: of requests without a trace. external: callers are not believed. opaque_ids: request ids are left as they
# are, and do not decide on sampling.
Listener = collections.namedtuple("Listener", "sampled_percent external opaque_ids", defaults=(100, False, False))


def typed(name, what, **config):
    return {"name": name, "typed_config": {"@type": f"{TYPE}.{what}", **config}}


SENT = {"w3c": {"sent.traceparent": "%REQ(TRACEPARENT)%"},
        "b3": {"sent.trace": "%REQ(X-B3-TRACEID)%", "sent.span": "%REQ(X-B3-SPANID)%", "sent.parent": "%REQ(X-B3-PARENTSPANID)%"}}


def log_format(service, logger, kind):
    """The fields of a line. What was sent upstream are the request's headers once Envoy has put its own span there."""
    return {"@timestamp": "%START_TIME(%Y-%m-%dT%H:%M:%S.%6fZ)%", "service.name": service, "log.logger": logger,
            "message": "%REQ(:METHOD)% %PATH(NQ:ORIG_OR_PATH)% %RESPONSE_CODE%", "trace.id": "%TRACE_ID%",
            "span.id": "%SPAN_ID%", "request_id": "%REQ(X-REQUEST-ID)%", "caller": "%FILTER_STATE(caller:PLAIN)%",
            "attempt": "%REQ(X-ENVOY-ATTEMPT-COUNT)%", "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
            "http.response.status_code": "%RESPONSE_CODE%", "duration_ms": "%DURATION%", "flags": "%RESPONSE_FLAGS%",
            **SENT[kind]}


def file_log(path, *what):
    return typed("file", "access_loggers.file.v3.FileAccessLog", path=path,
                 log_format={"json_format": log_format(*what)})


def tracer(kind, service):
    if kind == "w3c":
        uri = {"uri": "http://collector/v1/traces", "cluster": "collector", "timeout": "1s"}
        return {"name": "envoy.tracers.opentelemetry",
                "typed_config": {"@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
                                 "service_name": service, "http_service": {"http_uri": uri}}}
    return {"name": "envoy.tracers.zipkin",
            "typed_config": {"@type": "type.googleapis.com/envoy.config.trace.v3.ZipkinConfig",
                             "collector_cluster": "collector", "collector_endpoint": "/api/v2/spans",
                             "collector_endpoint_version": "HTTP_JSON", "trace_id_128bit": True,
                             "shared_span_context": False}}


def keep_caller(kind):
    header = "TRACEPARENT" if kind == "w3c" else "X-B3-SPANID"
    value = {"object_key": "caller", "factory_key": "envoy.string",
             "format_string": {"text_format_source": {"inline_string": f"%REQ({header})%"}, "omit_empty_values": True}}
    return typed("keep_caller", "filters.http.set_filter_state.v3.Config", on_request_headers=[value])
# What an external caller sends of these is gone before Envoy's tracing reads it. (The route's request_headers_to_remove comes
# too late for that.)
TAKE_AWAY = {"name": "strangers_headers", "typed_config": {
    "@type": f"{TYPE}.http.early_header_mutation.header_mutation.v3.HeaderMutation",
    "mutations": [{"remove": name} for name in ("traceparent", "tracestate", "baggage", "b3", "x-b3-traceid", "x-b3-spanid",
                                                "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags")]}}


class Setup:
    """One Envoy. kind: "w3c" (OpenTelemetry's tracer) or "b3" (Zipkin's, as Istio's was)."""

    def __init__(self, service, kind, folder, upstream_port, collector_port):
        self.service, self.kind, self.folder = service, kind, folder
        self.ports = {"upstream": upstream_port, "collector": collector_port}
        self.log = os.path.join(folder, f"{service}.json")
        self.attempts = None   # a second log, of attempts
        self.retries = 0
        self.timeout = "10s"
        self.runtime = {}

    def manager(self, name, listener):
        trace = {"random_sampling": {"value": listener.sampled_percent}, "provider": tracer(self.kind, self.service),
                 "spawn_upstream_span": bool(self.attempts)}
        router = {"upstream_log": [file_log(self.attempts, self.service, "envoy.attempt", self.kind)]} if self.attempts else {}
        config = {"stat_prefix": name, "generate_request_id": True, "always_set_request_id_in_response": True, "tracing": trace,
                  "access_log": [file_log(self.log, self.service, "envoy.access", self.kind)],
                  "http_filters": [keep_caller(self.kind), typed("router", "filters.http.router.v3.Router", **router)],
                  "route_config": {"virtual_hosts": [self.host()]}}
        if listener.opaque_ids:
            config["request_id_extension"] = {"typed_config": {
                "@type": f"{TYPE}.request_id.uuid.v3.UuidRequestIdConfig", "pack_trace_reason": False,
                "use_request_id_for_trace_sampling": False}}
        if listener.external:   # nobody is inside: as at the edge of the internet
            config |= {"use_remote_address": True, "early_header_mutation_extensions": [TAKE_AWAY],
                       "internal_address_config": {"cidr_ranges": [{"address_prefix": "192.0.2.0", "prefix_len": 32}]}}
        return typed("http", "filters.network.http_connection_manager.v3.HttpConnectionManager", **config)

    def host(self):
        route = {"cluster": "upstream", "timeout": self.timeout}
        if self.retries:
            route["retry_policy"] = {"retry_on": "5xx,connect-failure", "num_retries": self.retries,
                                     "retry_back_off": {"base_interval": "0.005s"}}
        return {"name": "all", "domains": ["*"], "include_request_attempt_count": True,
                "routes": [{"match": {"prefix": "/"}, "route": route}]}

    def config(self, listeners):
        def address(port):
            return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
        return {
            "admin": {"address": address(0)},
            "static_resources": {
                "listeners": [{"name": name, "address": address(0),
                               "filter_chains": [{"filters": [self.manager(name, listener)]}]}
                              for name, listener in listeners.items()],
                "clusters": [{"name": name, "type": "STATIC", "load_assignment": {
                    "cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(port)}}]}]}}
                             for name, port in self.ports.items()]},
            "layered_runtime": {"layers": [{"name": "tests", "static_layer": {
                "tracing.opentelemetry.min_flush_spans": 1, "tracing.zipkin.min_flush_spans": 1}}]}}


class Envoy(Program):
    """listeners: name -> Listener; `listeners` has their ports when it is up."""

    def __init__(self, setup, listeners):
        self.setup = setup
        base = os.path.join(setup.folder, f"{setup.service}-envoy")
        with open(f"{base}.config.json", "w", encoding="ascii") as file:
            json.dump(setup.config(listeners), file, indent=1)
        super().__init__(setup.folder, setup.service,
                         [servers.envoy(), "-c", f"{base}.config.json", "--disable-hot-restart", "--concurrency", "1",
                          "--file-flush-interval-msec", str(FLUSH_MS), "--admin-address-path", f"{base}.admin"],
                         ready="starting main dispatch loop")
        with open(f"{base}.admin", encoding="ascii") as file:
            self.listeners = self._bound(file.read().strip())

    @staticmethod
    def _bound(admin):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{admin}/listeners?format=json", timeout=ADMIN_S) as answer:
            found = json.load(answer)
        return {one["name"]: one["local_address"]["socket_address"]["port_value"] for one in found["listener_statuses"]}

    def lines(self):
        return whole_lines(self.setup.log)

    def attempt_lines(self):
        return whole_lines(self.setup.attempts)
