variable "TAG" {
  default = "dev"
}
variable "ALPINE" {
  default = "alpine:3.20"
}

group "default" {
  targets = ["tool", "docs"]
}

target "tool" {
  context  = "."
  contexts = {
    base  = "docker-image://${ALPINE}"
    certs = "docker-image://acme/certs:2"
    docs  = "target:docs"
  }
  tags       = ["acme/tool:${TAG}", "ghcr.io/acme/tool:${TAG}"]
  cache-from = ["type=registry,ref=acme/tool:cache"]
}

target "docs" {
  dockerfile-inline = <<EOT
FROM klakegg/hugo:0.111.3
EOT
}
