# Operator, router and weights fetcher: one image, three commands.
#
#   docker build -t auriga .
#   docker run --rm auriga python -m auriga_router --help
#
# BASE: any image with Python 3.11 or newer in /usr/local, as the official ones have it.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /source
# The official images bring Python's headers, Debian's own Python does not.
RUN headers="$(python -c 'import sysconfig; print(sysconfig.get_path("include"))')" \
 && apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev $(test -e "$headers/Python.h" || echo python3-dev)
COPY requirements/compile.txt requirements/operator.txt requirements/
# What the programs need goes on to the image, the tools that make a wheel stay here. Everything is pinned by hash.
# In that order: the tools' lock holds what the programs import, for mypyc, and pip would not install that a second time.
RUN --mount=type=cache,target=/cache \
    PIP_CACHE_DIR=/cache pip install --require-hashes --no-compile --prefix=/install -r requirements/operator.txt \
 && PIP_CACHE_DIR=/cache pip install --require-hashes --no-compile -r requirements/compile.txt
# Of Kubernetes' client only the reading of kubeconfigs is used: its second client and its thousand models are not.
RUN cd /install/lib/python3.*/site-packages/kubernetes \
 && rm -rf aio client/api/*_api.py client/models/v[0-9]*.py
COPY . .
RUN AURIGA_BUILD=compiled pip wheel --no-deps --no-build-isolation --wheel-dir=/wheels . \
 && pip install --no-deps --no-compile --prefix=/install /wheels/auriga-*.whl

FROM ${BASE}
COPY --from=build /install /usr/local
# Safe path: a folder called `operator` in the working directory must not stand in for the standard library's module.
ENV PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1
# Root compiles what the programs import, because they cannot: their root is read-only. It also shows that they start.
RUN python -m auriga_router --help > /dev/null \
 && python -c "import auriga_operator.__main__, auriga_operator.fetching, auriga_operator.weights.__main__" \
 && python -c "import auriga_router.sources.kubernetes.feed, auriga_router.router, auriga_router.attempt_log" \
 && python -c "import auriga_router.exchange as it; assert it.__file__.endswith('.so'), it"
ENV PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
CMD ["auriga", "--help"]
