"""How the web processes run, here and in production; docs/operations.md lists the variables."""

import multiprocessing
from pathlib import Path

from cs_platform import env, logs

wsgi_app = "cs_platform.wsgi"
bind = f"{env.text('BIND', '127.0.0.1')}:{env.number('PORT', 8000)}"
workers = env.number("WEB_WORKERS", max(2, multiprocessing.cpu_count()))
worker_class = "gthread"
threads = env.number("WEB_THREADS", 8)
preload_app = True
timeout = 60
graceful_timeout = env.number("WEB_SHUTDOWN_SECONDS", 20)
keepalive = 75  # longer than a proxy's, so that it never sends into a closing connection
max_requests = 50_000
max_requests_jitter = 5_000
control_socket_disable = True
# Heart-beat files on a disk can block a busy worker until it is taken for dead.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
logconfig_dict = logs.configuration()
