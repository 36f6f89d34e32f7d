#!/bin/sh
# Creates an ECR repository and prints its URI and the values that the pipeline's secrets need.
# Stands alone: needs only the AWS CLI. Safe to run again; an existing repository stays as it is.
#
#   ./scripts/create-ecr-repository.sh [REGION] [NAME] [--yes] [--dry-run]
#
# Exit codes: 0 done, 1 failed, 2 usage, 3 not agreed to, 4 no or wrong AWS credentials.
set -eu

region= name= yes=${LONGSHORE_YES:-} dry_run=
for word in "$@"; do
  case $word in
    --yes | -y) yes=1 ;;
    --dry-run) dry_run=1 ;;
    --help | -h) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "error: unknown option $word" >&2; exit 2 ;;
    *)
      if [ -z "$region" ]; then region=$word
      elif [ -z "$name" ]; then name=$word
      else echo "error: too many arguments: $word" >&2; exit 2
      fi ;;
  esac
done
region=${region:-ap-northeast-2}
name=${name:-github-actions-demo-day2}

command -v aws >/dev/null || { echo "error: the AWS CLI (aws) is not installed" >&2; exit 1; }
AWS_PAGER='' AWS_REGION=$region AWS_DEFAULT_REGION=$region
export AWS_PAGER AWS_REGION AWS_DEFAULT_REGION

account=$(aws sts get-caller-identity --query Account --output text) || {
  echo "error: AWS does not know you; log in first (aws configure, aws sso login)" >&2
  exit 4
}
where="account $account  region $region${AWS_ENDPOINT_URL:+  endpoint $AWS_ENDPOINT_URL}"
echo "repository $name  $where" >&2

find_uri() {
  aws ecr describe-repositories --repository-names "$name" \
    --query 'repositories[0].repositoryUri' --output text 2>&1
}

create() {
  aws ecr create-repository --repository-name "$name" \
    --image-scanning-configuration scanOnPush=true \
    --image-tag-mutability IMMUTABLE_WITH_EXCLUSION \
    --image-tag-mutability-exclusion-filters \
      'filterType=WILDCARD,filter=latest' 'filterType=WILDCARD,filter=pr-*' \
      'filterType=WILDCARD,filter=live-*' 'filterType=WILDCARD,filter=rollback-*' \
    --encryption-configuration encryptionType=AES256 \
    --query repository.repositoryUri --output text 2>&1
}

agree() {
  [ -z "$yes" ] || [ "$yes" = 0 ] || return 0
  if [ ! -t 0 ]; then
    echo "error: nobody is here to answer; say yes with --yes" >&2
    exit 3
  fi
  printf 'Create it? [y/N] ' >&2
  read -r answer || answer=
  case $answer in y | Y | yes) ;; *) echo "nothing was changed" >&2; exit 3 ;; esac
}

if uri=$(find_uri); then
  echo "it is there already; its settings stay as they are" >&2
else
  case $uri in
    *RepositoryNotFoundException*) ;;
    *) printf '%s\n' "$uri" >&2; exit 1 ;;
  esac
  echo "to create: scan on push, immutable tags except latest pr-* live-* rollback-*, AES256" >&2
  if [ -n "$dry_run" ]; then echo "nothing was changed (--dry-run)" >&2; exit 0; fi
  agree
  if ! uri=$(create); then
    case $uri in
      *RepositoryAlreadyExistsException*) uri=$(find_uri) ;;
      *)
        printf '%s\n' "$uri" >&2
        case $uri in
          *exclusion-filters*) echo "hint: this AWS CLI is too old; update it" >&2 ;;
        esac
        exit 1 ;;
    esac
  fi
  echo "created" >&2
fi

cat <<END
Repository URI: $uri

Values for the pipeline (Settings, Secrets and variables, Actions):
AWS_ACCOUNT_ID=$account
AWS_REGION=$region
ECR_REPOSITORY=$name
END
echo "next: ./scripts/apply-ecr-lifecycle-policy.sh $region $name" >&2
