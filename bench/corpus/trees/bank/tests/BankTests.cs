using DotNet.Testcontainers.Builders;
using Testcontainers.PostgreSql;

public sealed class BankTests
{
    private readonly PostgreSqlContainer _db = new PostgreSqlBuilder()
        .WithImage("postgres:15.7")
        .WithUsername("bank:bank")
        .Build();

    private readonly object _cache = new ContainerBuilder()
        .WithImage("redis:7.4-rc")
        .WithPortBinding(6379, true)
        .Build();
}
