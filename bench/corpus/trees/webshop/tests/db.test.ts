import { GenericContainer, Network } from "testcontainers";
import { PostgreSqlContainer } from "@testcontainers/postgresql";

const KEYCLOAK_IMAGE = "quay.io/keycloak/keycloak:25.0";

beforeAll(async () => {
  const db = await new PostgreSqlContainer("postgres:16-alpine").start();
  const cache = await new GenericContainer("redis:7-alpine")
    .withExposedPorts(6379)
    .withEnvironment({ UPSTREAM: "db:5432" })
    .start();
  const idp = await new GenericContainer(KEYCLOAK_IMAGE).start();
  expect(db.getConnectionUri()).toContain("test:test");
  return [cache, idp, Network];
});
