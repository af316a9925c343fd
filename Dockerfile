# One image for every Airflow service: the code, and exactly the versions in requirements.lock.
# Pin the base by digest in your own registry; the tag alone can be moved by whoever owns it.
FROM python:3.12.12-slim-bookworm AS installed

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements.lock /tmp/requirements.lock
# Wheels only: nothing is compiled, so no compiler and no header is needed in either stage. pip byte-compiles what it installs;
# without byte-code every task process starts about three seconds later.
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: --requirement /tmp/requirements.lock \
    && /opt/venv/bin/pip check

FROM python:3.12.12-slim-bookworm

# 50000 is fixed because volumes remember the number, not the name.
RUN useradd --uid 50000 --gid 0 --home-dir /var/lib/airflow --no-create-home --shell /usr/sbin/nologin airflow \
    && install --directory --owner airflow --group 0 --mode 0770 \
       /var/lib/airflow /var/lib/airflow/logs /srv/lake /srv/lake/published \
    && install --directory --mode 0755 /srv/incoming /etc/segmentation

COPY --from=installed /opt/venv /opt/venv
WORKDIR /opt/segmentation
# Owned by root: a task can write to the lake and to the logs, not to the code that the next task runs.
COPY LICENSE ./
COPY dags dags
COPY dbt_project dbt_project
COPY expectations expectations
COPY models models
COPY pipeline pipeline
COPY plugins plugins
RUN /opt/venv/bin/python -m compileall -q dags expectations models pipeline plugins

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/segmentation:/opt/segmentation/plugins \
    PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/var/lib/airflow \
    SEGMENTATION_SETTINGS=/etc/segmentation/segmentation.yml \
    DO_NOT_TRACK=1 \
    GX_ANALYTICS_ENABLED=false \
    OPENBLAS_NUM_THREADS=1
USER 50000:0
ENTRYPOINT ["airflow"]
