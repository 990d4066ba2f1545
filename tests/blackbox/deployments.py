# SPDX-License-Identifier: MIT
"""The ways in which PXESrv is deployed, each with its real parts."""
import http.client
import itertools
import os
import re
import signal
import subprocess

import answer
import fastcgi
import place
from place import CONF, PATIENCE, Program, until
from responder import Responder, accepts


def meta_variables(method, path, client, body=b""):
    """What a web server says of a request."""
    variables = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "REQUEST_METHOD": method,
        "REQUEST_URI": path,
        "REMOTE_ADDR": client,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "DOCUMENT_ROOT": place.ROOT,
    }
    if body:
        variables["CONTENT_LENGTH"] = str(len(body))
    return variables


class Deployment:
    """How requests come to PXESrv."""

    # Whether a test can pass meta-variables and settings as it likes.
    takes_params = False
    responder = None

    def __init__(self, directory):
        self.directory = directory  # for what this one writes

    def start(self):
        pass

    def stop(self):
        pass

    @property
    def log_file(self):
        return place.LOG

    def log(self):
        """The log's lines of requests, without what else may be there."""
        try:
            with open(self.log_file) as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            return []
        return [line for line in lines
                if " - - [" in line and ' "- - -" ' not in line]

    def decisions(self):
        """Of each request the method, the status, and what decided."""
        return [match.groups() for line in self.log() if (match := re.search(
            r'"(\w+) [^"]*" (\d+) \d+ \S+ (.*)', line))]

    def decided(self, count):
        """The same, when so many are in the log: an answer is there first."""
        until(lambda: len(self.decisions()) >= count, "the log's lines")
        return self.decisions()

    def clear_log(self):
        if os.path.exists(self.log_file):
            os.truncate(self.log_file, 0)

    def stderr(self, name):
        return os.path.join(self.directory, name + ".stderr")


class Cgi(Deployment):
    """The CGI program with nothing but an environment."""

    takes_params = True

    def ask(self, path="/redirect", method="GET", client="127.0.0.7",
            body=b"", params=None):
        env = place.clean_env(**meta_variables(method, path, client, body))
        env.update(params or {})
        # A query without "=" comes as arguments: RFC 3875, section 4.4.
        done = subprocess.run(
            [place.CGI, "-h", "--version", "/etc/passwd"],
            env={k: v for k, v in env.items() if v is not None},
            input=body, capture_output=True, timeout=PATIENCE,
            **place.AS_USER)
        assert done.returncode == 0, done.stderr
        self.last_stderr = done.stderr.decode()
        return answer.from_cgi(done.stdout)


class Bare(Deployment):
    """The responder, spoken to directly."""

    numbers = itertools.count()
    env = {}

    def start(self):
        # One may still be there from before: each has a path of its own.
        path = f"/run/pxesrv/bare{next(self.numbers)}.sock"
        self.responder = Responder(
            self.stderr("responder"), path=path, env=self.env)

    def stop(self):
        self.responder.stop()

    def ask(self, path="/redirect", method="GET", client="127.0.0.7",
            body=b"", params=None):
        variables = meta_variables(method, path, client, body)
        variables.update(params or {})
        given = {k: v for k, v in variables.items() if v is not None}
        return answer.from_cgi(
            fastcgi.ask(self.responder.path, given, body))


class BareParams(Bare):
    """The same, which learns where the tree is from its requests alone."""

    # With a root in its environment it would be confined to that one.
    takes_params = True
    env = {"PXESRV_ROOT": None}


class WebServer(Deployment):
    """A web server on port 4567 that has loaded the shipped files."""

    port = 4567
    uses_socket = True
    access_log = None  # a file, where the test wants one
    # What it answers itself when the responder is not there, or dies.
    down_status, dead_status, says_retry_after = 503, 503, True

    def start_responder(self):
        self.responder = Responder(
            self.stderr("responder"), arguments=["-m", "0666"])

    def start(self):
        if self.uses_socket:
            self.start_responder()
        self.etc = os.path.join(self.directory, "etc")
        os.makedirs(self.etc, exist_ok=True)
        self.server = Program(self.command(), self.stderr("server"),
                              **self.how())
        until(lambda: self.answers() or not self.server.is_running(),
              "the web server")
        assert self.server.is_running(), self.server.messages()

    def how(self):
        return {}

    def stop(self):
        self.server.end(signal.SIGTERM)
        if self.responder:
            self.responder.stop()

    def change(self, text):
        """What an administrator changes in a file; nothing, as a rule."""
        return text

    def write(self, name, text):
        path = os.path.join(self.etc, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(self.change(text))
        return path

    def copy(self, source, name):
        """Puts a shipped file where an administrator would."""
        with open(os.path.join(CONF, source)) as file:
            return self.write(name, file.read().replace("/usr/share/pxesrv/conf", CONF))

    def connect(self, client, timeout=PATIENCE):
        host = "::1" if ":" in client else "127.0.0.1"
        return http.client.HTTPConnection(
            host, self.port, timeout=timeout, source_address=(client, 0))

    def answers(self):
        connection = self.connect("127.0.0.1")
        try:
            # No request, which the responder might log later on.
            connection.connect()
            return True
        except OSError:
            return False
        finally:
            connection.close()

    def ask(self, path="/redirect", method="GET", client="127.0.0.7",
            body=b"", headers=None):
        connection = self.connect(client)
        try:
            return self.ask_on(connection, path, method, body, headers)
        finally:
            connection.close()

    def ask_on(self, connection, path="/redirect", method="GET", body=b"",
               headers=None):
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body or method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        found = {k.lower(): v for k, v in response.getheaders()}
        return answer.Answer(response.status, found, response.read())


class Nginx(WebServer):
    """nginx in front of the responder."""

    def command(self):
        self.copy("nginx/upstream.conf", "conf.d/upstream.conf")
        self.copy("nginx/server.conf", "conf.d/server.conf")
        self.copy("nginx/pxesrv.conf", "snippets/pxesrv.conf")
        main = self.write("nginx.conf", f"""
            daemon off;
            {f"user www-data;" if place.AS_ROOT else ""}
            worker_processes 2;
            pid {place.SERVERS}/nginx.pid;
            error_log {self.directory}/nginx-error.log;
            events {{ worker_connections 1024; }}
            http {{
                include /etc/nginx/mime.types;
                access_log {self.access_log or "off"};
                client_body_temp_path {place.SERVERS}/body;
                fastcgi_temp_path {place.SERVERS}/fastcgi;
                proxy_temp_path {place.SERVERS}/proxy;
                scgi_temp_path {place.SERVERS}/scgi;
                uwsgi_temp_path {place.SERVERS}/uwsgi;
                include {self.etc}/conf.d/*.conf;
            }}
            """)
        return ["nginx", "-e", f"{self.directory}/nginx-error.log", "-c", main]


class Lighttpd(WebServer):
    """lighttpd as a client of the responder's socket."""

    files = {"server.conf": "conf-enabled/50-pxesrv.conf"}
    # It can neither change the status nor add the header.
    dead_status, says_retry_after = 500, False

    def how(self):
        return place.AS_USER

    def logs_accesses(self):
        if not self.access_log:
            return ""
        return f'''
            server.modules += ("mod_accesslog")
            accesslog.filename = "{self.access_log}"'''

    def command(self):
        for source, name in self.files.items():
            self.copy(f"lighttpd/{source}", name)
        self.copy("lighttpd/pxesrv.conf", "pxesrv.conf")
        main = self.write("lighttpd.conf", f"""
            server.port = {place.free_port()}
            server.document-root = "/var/empty"
            server.errorfile-prefix = "{CONF}/lighttpd/error-"
            server.errorlog = "{self.directory}/error.log"
            server.upload-dirs = ("{place.SERVERS}")
            mimetype.assign = (".html" => "text/html")
            server.modules = ("mod_access")
            {self.logs_accesses()}
            include "conf-enabled/*.conf"
            """)
        return ["lighttpd", "-D", "-f", main]


class LighttpdBinPath(Lighttpd):
    """lighttpd, which starts the responder itself."""

    files = {**Lighttpd.files,
             "pxesrv-bin-path.conf": "conf-enabled/49-pxesrv-bin-path.conf"}
    uses_socket = False

    def confined(self):
        with open(self.log_file, "a+") as file:
            file.seek(0)
            return file.read().count("sandbox: ")

    def start(self):
        before = self.confined()
        super().start()
        # Its sandbox is for the tree that it finds, which is empty still.
        until(lambda: self.confined() > before, "its sandbox")

    @property
    def log_file(self):
        return self.stderr("server")


class Apache(WebServer):
    modules = ["mpm_event", "authz_core", "mime", "dir", "alias", "unixd",
               "env", "setenvif", "headers", "rewrite"]

    def command(self):
        self.copy(f"apache/{self.file}", f"conf-available/{self.file}")
        with open(os.path.join(CONF, "apache/server.conf")) as file:
            self.write("sites-enabled/pxesrv.conf", file.read().replace(
                "conf-available/pxesrv-fcgi.conf", f"conf-available/{self.file}"))
        loads = "\n".join(
            f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so"
            for m in self.modules + self.more_modules
            if os.path.exists(f"/usr/lib/apache2/modules/mod_{m}.so"))
        main = self.write("apache2.conf", f"""
            ServerName localhost
            ServerRoot {self.etc}
            DefaultRuntimeDir {place.SERVERS}
            PidFile {place.SERVERS}/apache.pid
            {"User www-data" if place.AS_ROOT else ""}
            {"Group www-data" if place.AS_ROOT else ""}
            {loads}
            TypesConfig /etc/mime.types
            ErrorLog {self.directory}/apache-error.log
            <Directory />
                Options FollowSymLinks
                AllowOverride None
                Require all denied
            </Directory>
            AccessFileName .htaccess
            <FilesMatch "^\\.ht">
                Require all denied
            </FilesMatch>
            IncludeOptional sites-enabled/*.conf
            """)
        return ["apache2", "-D", "FOREGROUND", "-f", main]


class ApacheCgi(Apache):
    """Apache, which runs the CGI program for each request."""

    file = "pxesrv-cgi.conf"
    more_modules = ["actions", "cgid"]
    uses_socket = False

    @property
    def log_file(self):
        return f"{self.directory}/apache-error.log"


class ApacheFcgi(Apache):
    """Apache with mod_proxy_fcgi in front of the responder."""

    file = "pxesrv-fcgi.conf"
    more_modules = ["proxy", "proxy_fcgi"]


ALL = {
    "cgi": Cgi,
    "bare": Bare,
    "bare-params": BareParams,
    "nginx": Nginx,
    "lighttpd": Lighttpd,
    "lighttpd-bin-path": LighttpdBinPath,
    "apache-cgi": ApacheCgi,
    "apache-fcgi": ApacheFcgi,
}
