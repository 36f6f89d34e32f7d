package com.acme;

import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.KafkaContainer;
import org.testcontainers.containers.PostgreSQLContainer;
import org.testcontainers.utility.DockerImageName;

/** Runs against "postgres:9" no more. */
class BankTest {
    private static final DockerImageName KAFKA = DockerImageName.parse("confluentinc/cp-kafka:7.6.1");
    private static final String REDIS = "redis:7.0";

    static PostgreSQLContainer<?> db = new PostgreSQLContainer<>("postgres:16-alpine");
    static GenericContainer<?> redis = new GenericContainer<>(REDIS).withExposedPorts(6379);
    static KafkaContainer kafka = new KafkaContainer(KAFKA);
    static GenericContainer<?> search =
        new GenericContainer<>(
            DockerImageName.parse("acme/search:2")
                .asCompatibleSubstituteFor("elasticsearch"));

    void asserts() {
        assert "redis:6379".equals(redis.getHost() + ":" + redis.getMappedPort(6379));
        String sql = "SELECT * FROM accounts:all";
    }
}
