#!/usr/bin/env bash
set -euo pipefail
# docker run --rm alpine:3.1 is not run
PROXY_IMAGE=haproxy:2.9
registry=ghcr.io/acme
docker pull "$PROXY_IMAGE"
docker tag haproxy:2.9 "$registry/haproxy:2.9"
docker push "$registry/haproxy:2.9"
podman run --rm -it --volume "$PWD:/w:Z" docker.io/mikefarah/yq:4 eval . /w/a.yml
sudo docker run -d \
  --name cache \
  -p 6379:6379 \
  -v cache:/data \
  redis:7-alpine redis-server --appendonly yes
skopeo copy docker://alpine:3.20 docker://registry.acme.example/mirror/alpine:3.20
crane digest gcr.io/distroless/static:nonroot
for image in mariadb:11.4 mongo:7; do
  docker pull "$image"
done
docker exec cache redis-cli -h redis:6379 ping
docker cp cache:/data/dump.rdb .
docker network create ledger:net || true
docker rmi ledger:old
cat <<'EOT'
docker run this/is-text:1
EOT
echo docker run this/is-text:2
if command -v docker >/dev/null; then
  docker run --rm -e A=b:c --entrypoint sh amazon/aws-cli:2.17.0 -c 'aws --version'
fi
trivy image --severity HIGH acme/ledger:latest
