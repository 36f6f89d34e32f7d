#!/bin/sh
# Gives an ECR repository the standard lifecycle policy, which is at the end of this file.
# Stands alone: needs only the AWS CLI. Safe to run again.
#
#   ./scripts/apply-ecr-lifecycle-policy.sh [REGION] [NAME] [--yes] [--dry-run]
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

# Rules come first to last; the first three only keep. Production images: 10, branches: 5,
# pull requests: 3, untagged: 1 day. Backups: `longshore lifecycle prune` takes their tags after
# 7 days, never the last three; no rule of ECR can (it counts from the push, and deletes the image).
policy=$(sed -n '/^# POLICY$/,$s/^#  //p' "$0")

current() {
  aws ecr get-lifecycle-policy --repository-name "$name" \
    --query lifecyclePolicyText --output text 2>&1
}

squeeze() { printf '%s' "$1" | tr -d ' \n\r\t'; }

agree() {
  [ -z "$yes" ] || [ "$yes" = 0 ] || return 0
  if [ ! -t 0 ]; then
    echo "error: nobody is here to answer; say yes with --yes" >&2
    exit 3
  fi
  printf 'Apply the standard policy? It deletes old images. [y/N] ' >&2
  read -r answer || answer=
  case $answer in y | Y | yes) ;; *) echo "nothing was changed" >&2; exit 3 ;; esac
}

if before=$(current); then
  if [ "$(squeeze "$before")" = "$(squeeze "$policy")" ]; then
    echo "the standard policy is there already; nothing to do"
    exit 0
  fi
  echo "replaces this policy (keep it if you may want it back):" >&2
  printf '%s\n' "$before" >&2
else
  case $before in
    *LifecyclePolicyNotFoundException*) echo "there is no policy yet" >&2 ;;
    *RepositoryNotFoundException*)
      echo "error: there is no repository $name; create it first:" >&2
      echo "  ./scripts/create-ecr-repository.sh $region $name" >&2
      exit 1 ;;
    *) printf '%s\n' "$before" >&2; exit 1 ;;
  esac
fi

echo "new policy:" >&2
printf '%s\n' "$policy" >&2
if [ -n "$dry_run" ]; then echo "nothing was changed (--dry-run)" >&2; exit 0; fi
agree
aws ecr put-lifecycle-policy --repository-name "$name" --lifecycle-policy-text "$policy" \
  --query repositoryName --output text >/dev/null
echo "the standard lifecycle policy is on $name"
exit 0

# POLICY
#  {"rules":[
#  {"action":{"type":"expire"},"description":"what runs stays: images tagged live-*","rulePriority":1,"selection":{"countNumber":9999,"countType":"imageCountMoreThan","tagPatternList":["live-*"],"tagStatus":"tagged"}},
#  {"action":{"type":"expire"},"description":"what a rollback needs stays: images tagged rollback-*","rulePriority":2,"selection":{"countNumber":9999,"countType":"imageCountMoreThan","tagPatternList":["rollback-*"],"tagStatus":"tagged"}},
#  {"action":{"type":"expire"},"description":"the image tagged latest stays","rulePriority":3,"selection":{"countNumber":9999,"countType":"imageCountMoreThan","tagPatternList":["latest"],"tagStatus":"tagged"}},
#  {"action":{"type":"expire"},"description":"backups: at most 50 stay; longshore lifecycle prune removes old backup tags","rulePriority":4,"selection":{"countNumber":50,"countType":"imageCountMoreThan","tagPatternList":["backup-*"],"tagStatus":"tagged"}},
#  {"action":{"type":"expire"},"description":"production, all together: the 10 newest of prod-* stay","rulePriority":5,"selection":{"countNumber":10,"countType":"imageCountMoreThan","tagPatternList":["prod-*"],"tagStatus":"tagged"}},
#  {"action":{"type":"expire"},"description":"branches, all together: the 5 newest of branch-* stay","rulePriority":6,"selection":{"countNumber":5,"countType":"imageCountMoreThan","tagPatternList":["branch-*"],"tagStatus":"tagged"}},
#  {"action":{"type":"expire"},"description":"pull requests, all together: the 3 newest of pr-* stay","rulePriority":7,"selection":{"countNumber":3,"countType":"imageCountMoreThan","tagPatternList":["pr-*"],"tagStatus":"tagged"}},
#  {"action":{"type":"expire"},"description":"production without a marker: the 10 newest of v* stay","rulePriority":8,"selection":{"countNumber":10,"countType":"imageCountMoreThan","tagPatternList":["v*"],"tagStatus":"tagged"}},
#  {"action":{"type":"expire"},"description":"production without a marker: the 10 newest of main-* stay","rulePriority":9,"selection":{"countNumber":10,"countType":"imageCountMoreThan","tagPatternList":["main-*"],"tagStatus":"tagged"}},
#  {"action":{"type":"expire"},"description":"production without a marker: the 10 newest of master-* stay","rulePriority":10,"selection":{"countNumber":10,"countType":"imageCountMoreThan","tagPatternList":["master-*"],"tagStatus":"tagged"}},
#  {"action":{"type":"expire"},"description":"branches without a marker: the 5 newest of develop-* stay","rulePriority":11,"selection":{"countNumber":5,"countType":"imageCountMoreThan","tagPatternList":["develop-*"],"tagStatus":"tagged"}},
#  {"action":{"type":"expire"},"description":"branches without a marker: the 5 newest of feature-* stay","rulePriority":12,"selection":{"countNumber":5,"countType":"imageCountMoreThan","tagPatternList":["feature-*"],"tagStatus":"tagged"}},
#  {"action":{"type":"expire"},"description":"branches without a marker: the 5 newest of nightly-* stay","rulePriority":13,"selection":{"countNumber":5,"countType":"imageCountMoreThan","tagPatternList":["nightly-*"],"tagStatus":"tagged"}},
#  {"action":{"type":"expire"},"description":"images without a tag go 1 day after their push","rulePriority":14,"selection":{"countNumber":1,"countType":"sinceImagePushed","countUnit":"days","tagStatus":"untagged"}}
#  ]}
