# docker pull nothing:1
$image = "mcr.microsoft.com/mssql/server:2022-latest"
docker pull $image
docker run -d --name sql -p 1433:1433 -e "ACCEPT_EULA=Y" $image
docker run --rm `
  -v "${PWD}:/w" `
  jwilder/dockerize:0.7.0 -wait tcp://sql:1433
