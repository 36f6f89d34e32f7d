source "docker" "ubuntu" {
  image  = "ubuntu:24.04"
  commit = true
}

source "amazon-ebs" "base" {
  ami_name = "base:1"
}
