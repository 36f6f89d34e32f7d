#!/bin/sh
# Gives an ECR repository the standard lifecycle policy.
#
#   scripts/apply-ecr-lifecycle-policy.sh [REGION] [NAME] [options of `longshore lifecycle apply`]
#
# REGION is ap-northeast-2 and NAME github-actions-demo-day2 unless told. Shows what changes and
# asks first; --yes answers, --dry-run only shows. Safe to run again.
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
exec "$longshore" lifecycle apply "$name" --region "$region" "$@"
