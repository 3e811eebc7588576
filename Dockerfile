# What it runs is `serve`: the MCP daemon on 8080 (MCP, /health) with metrics on 9090.
#   docker run --init --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     -p 127.0.0.1:8080:8080 -v desk:/data IMAGE

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.txt .
RUN /opt/venv/bin/pip install --no-compile -r requirements.txt && python -m compileall -q /opt/venv

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --home-dir /data desk \
    && install -d -o desk -g desk -m 0700 /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY alpaca_mcp_server.py ./
COPY common common
COPY services services
COPY serving serving
COPY tools tools
COPY paper_exchange paper_exchange
RUN python -m compileall -q .
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    STATE_DIR=/data
USER 10001
VOLUME /data
EXPOSE 8080 9090
# No proxy: the image's environment may name one, and this call must not leave the container.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:8080/health', timeout=4)"]
CMD ["python", "alpaca_mcp_server.py", "serve", "--host", "0.0.0.0", "--port", "8080"]
