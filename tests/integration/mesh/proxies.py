"""nginx, HAProxy and the stand-in for Kong in front of a port, set up as docs/propagation.md says. nginx listens on a path in
the folder and HAProxy on a socket that it inherits, so that no port has to be guessed."""
import os
import socket
import sys

from examples import connect, wait_for
from parts import TESTS, Program, servers, whole_lines

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.error;
events {{}}
http {{
    log_format lines escape=json '{{"@timestamp":"$time_iso8601","service.name":"nginx","request_id":"$request_id",'
        '"message":"$request_method $uri $status","duration_s":$request_time,"caller":"$http_traceparent"}}';
    access_log {folder}/nginx.json lines;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen unix:{folder}/nginx.socket;
        location / {{
            proxy_pass http://127.0.0.1:{port};
            proxy_set_header X-Request-Id $request_id;
        }}
    }}
}}
"""

HAPROXY = r"""
global
    log stdout format raw daemon
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
frontend in
    bind fd@{fd}
    log global
    log-format '{{"service.name":"haproxy","request_id":"%ID","message":"%HM %HPO %ST","duration_ms":%Ta}}'
    unique-id-format %{{+X}}o\ %ci:%cp_%fi:%fp_%Ts_%rt:%pid
    {extra}
    unique-id-header {header}
    default_backend out
backend out
    server one 127.0.0.1:{port}
"""


def accepts(path):
    if not os.path.exists(path):
        return False
    connect(path).close()
    return True


class Proxy(Program):
    """A proxy that listens on `where`: a path or a port. Its JSON lines are in `log`."""

    def __init__(self, folder, name, argv, where=None, log=None, **how):
        super().__init__(folder, name, argv, **how)
        self.log = log or self.path
        self.where = where

    def lines(self):
        return whole_lines(self.log)

    def line_of(self, **fields):
        """Wait for a line with these fields."""
        def look():
            return [line for line in self.lines() if all(line.get(key) == value for key, value in fields.items())]
        return wait_for(look, f"a line of {self.name} with {fields}")[-1]


def written(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


def nginx(folder, port):
    config = written(folder, "nginx.conf", NGINX.format(folder=folder, port=port))
    path = os.path.join(folder, "nginx.socket")
    argv = [servers.need("nginx", "nginx-light"), "-p", folder, "-c", config, "-e", os.path.join(folder, "nginx.error")]
    proxy = Proxy(folder, "nginx", argv, path, os.path.join(folder, "nginx.json"))
    wait_for(lambda: proxy.running() or accepts(path), "nginx to listen")
    return proxy


def haproxy(folder, port, header="X-Request-Id", extra="http-request del-header x-request-id"):
    with socket.create_server(("127.0.0.1", 0)) as listener:   # answers as soon as HAProxy has it
        fd = listener.fileno()
        config = written(folder, "haproxy.conf", HAPROXY.format(fd=fd, port=port, header=header, extra=extra))
        return Proxy(folder, "haproxy", [servers.need("haproxy", "haproxy"), "-db", "-f", config],
                     listener.getsockname()[1], pass_fds=(fd,))


def first_line(path):
    """Of a file that is yet to be written; "" until then."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="ascii") as file:
        text = file.read()
    return text.strip() if text.endswith("\n") else ""


def kong(folder, port, *options):
    port_file = os.path.join(folder, "kong.port")
    proxy = Proxy(folder, "kong", [sys.executable, "-B", os.path.join(TESTS, "servers", "kong.py"), "--port-file", port_file,
                                   "--upstream", str(port), *options])
    proxy.where = int(wait_for(lambda: proxy.running() or first_line(port_file), "kong's port"))
    return proxy
