variable "proxy_image" {
  description = "an image such as nginx:1.0"
  default     = "nginx:1.27"
}

variable "postgres_version" {
  default = "16.3"
}

resource "docker_image" "pg" {
  name = "postgres:${var.postgres_version}"
}

resource "docker_container" "pg" {
  image = docker_image.pg.image_id
  name  = "pg"
}

resource "kubernetes_deployment" "proxy" {
  spec {
    template {
      spec {
        container {
          image = var.proxy_image
          name  = "proxy"
          env {
            name  = "UPSTREAM"
            value = "api:8080"
          }
        }
        container {
          # image = "old/one:1"
          image = "fluent/fluentd:v1.17"
        }
      }
    }
  }
}

resource "aws_ecs_task_definition" "api" {
  family = "api"
  container_definitions = jsonencode([
    {
      name  = "api"
      image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/api:1.4"
    },
    {
      name  = "agent"
      image = "datadog/agent:7"
    }
  ])
}

resource "aws_ecs_task_definition" "cron" {
  container_definitions = <<JSON
[{"name": "cron", "image": "mcuadros/ofelia:0.3.12", "memory": 64}]
JSON
}

resource "aws_instance" "runner" {
  ami       = "ami-0123456789abcdef0"
  user_data = <<-SH
    #!/bin/bash
    docker run -d --restart always gitlab/gitlab-runner:v17.1.0
  SH
}

resource "aws_codebuild_project" "build" {
  environment {
    image = "aws/codebuild/standard:7.0"
    type  = "LINUX_CONTAINER"
  }
}

module "cdn" {
  source = "terraform-aws-modules/cloudfront/aws"
  origin = "web:80"
}
