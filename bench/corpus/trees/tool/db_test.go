package tool

import (
	"context"
	"testing"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/postgres"
)

const redisImage = "redis:7.2-alpine"

func TestAll(t *testing.T) {
	ctx := context.Background()
	request := testcontainers.ContainerRequest{
		Image:        redisImage,
		ExposedPorts: []string{"6379/tcp"},
		Env:          map[string]string{"UPSTREAM": "api:8080"},
	}
	_ = request
	_, err := postgres.Run(ctx, "postgres:16.3-alpine", postgres.WithDatabase("test"))
	if err != nil {
		t.Fatal("no postgres:16 here", err)
	}
	_, _ = testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: testcontainers.ContainerRequest{Image: "nats:2.10", Started: true},
	})
}
