job "web" {
  group "web" {
    task "server" {
      driver = "docker"
      config {
        image = "caddy:2.8"
        ports = ["http"]
      }
      env { UPSTREAM = "api:8080" }
    }
    task "native" {
      driver = "exec"
      config {
        command = "/bin/web"
      }
    }
  }
}
