# Operator, router and weights fetcher: one image, three commands.
#
#   docker build -t auriga .
#   docker run --rm auriga python -m auriga_router --help
#
# BASE: any image with Python 3.11 or newer in /usr/local, as the official ones have it.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /source
COPY requirements/build.txt requirements/operator.txt requirements/
# The tools that make a wheel stay here; what the programs need goes on to the image. Everything is pinned by hash.
RUN --mount=type=cache,target=/cache \
    PIP_CACHE_DIR=/cache pip install --require-hashes -r requirements/build.txt \
 && PIP_CACHE_DIR=/cache pip install --require-hashes --no-compile --prefix=/install -r requirements/operator.txt
# Of Kubernetes' client only the reading of kubeconfigs is used: its second client and its thousand models are not.
RUN cd /install/lib/python3.*/site-packages/kubernetes \
 && rm -rf aio client/api/*_api.py client/models/v[0-9]*.py
COPY . .
RUN pip wheel --no-deps --no-build-isolation --wheel-dir=/wheels . \
 && pip install --no-deps --no-compile --prefix=/install /wheels/auriga-*.whl

FROM ${BASE}
COPY --from=build /install /usr/local
# Safe path: a folder called `operator` in the working directory must not stand in for the standard library's module.
ENV PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1
# Root compiles what the programs import, because they cannot: their root is read-only. It also shows that they start.
RUN python -m auriga_router --help > /dev/null \
 && python -c "import auriga_operator.__main__, auriga_operator.fetching, auriga_operator.weights.__main__" \
 && python -c "import auriga_router.sources.kubernetes.feed, auriga_router.router, auriga_router.attempt_log"
ENV PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
CMD ["auriga", "--help"]
