#!/bin/sh
# Creates an ECR repository and prints its URI and the values that the pipeline's secrets need.
#
#   scripts/create-ecr-repository.sh [REGION] [NAME] [options of `longshore repo create`]
#
# REGION is ap-northeast-2 and NAME github-actions-demo-day2 unless told. Shows account and region
# and asks first; --yes answers, --dry-run only shows. Safe to run again.
set -eu

region=ap-northeast-2
name=github-actions-demo-day2
case "${1:-}" in '' | -*) ;; *) region=$1; shift
  case "${1:-}" in '' | -*) ;; *) name=$1; shift ;; esac ;;
esac

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
longshore=$here/../.venv/bin/longshore
[ -x "$longshore" ] || longshore=$(command -v longshore) || {
  echo "error: longshore is not installed; type: make setup" >&2
  exit 1
}
exec "$longshore" repo create "$name" --region "$region" "$@"
