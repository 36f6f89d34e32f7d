package images
deny[msg] { not startswith(input.image, "registry.acme.example/"); msg := "nginx:latest is not allowed" }
