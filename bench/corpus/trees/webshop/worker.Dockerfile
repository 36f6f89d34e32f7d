FROM python:3.12-slim@sha256:1f2e3d4c5b6a79880f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978 AS base
ONBUILD COPY --from=hashicorp/terraform:1.9 /bin/terraform /bin/
from base as tests
RUN <<EOF
echo "FROM scratch"
python -m pytest
EOF
FROM scratch AS report
COPY --from=tests /report /
FROM docker.io/library/base
