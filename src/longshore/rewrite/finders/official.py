"""Names of Docker's official images: is a bare name a known image or a tree's own? Pure.

For ties only. A bare name that is not here may still be on Docker Hub; one that is here is not
taken for a name that a tree made up.
"""

from __future__ import annotations

_NAMES = """
adminer aerospike almalinux alpine alt amazoncorretto amazonlinux api-firewall arangodb
archlinux backdrop bash bonita buildpack-deps busybox caddy cassandra centos chronograf cirros
clearlinux clefos clickhouse clojure composer consul convertigo couchbase couchdb crate dart
debian docker drupal eclipse-mosquitto eclipse-temurin eggdrop elasticsearch elixir emqx erlang
euleros express-gateway fedora flink fluentd friendica gazebo gcc geonetwork ghost golang gradle
groovy haproxy hashicorp haskell haxe hello-world hitch httpd hylang ibmjava influxdb irssi java
jenkins jetty jobber joomla jruby julia kapacitor kibana kong krakend lightstreamer liquibase
logstash mageia mariadb matomo maven mediawiki memcached mongo mongo-express monica mono mysql
nats nats-streaming neo4j neurodebian nextcloud nginx node notary odoo open-liberty openjdk
opensuse oraclelinux orientdb percona perl photon php php-zendserver phpmyadmin pipeline piwik
plone postfixadmin postgres pypy python r-base rabbitmq rakudo-star redis redmine registry
rethinkdb rocket.chat rockylinux ros ruby rust sapmachine scratch silverpeas sl solr sonarqube
sourcemage spark spiped storm swarm swift swipl telegraf thrift tomcat tomee traefik ubuntu unit
varnish vault websphere-liberty wordpress xwiki yourls zookeeper
"""
OFFICIAL = frozenset(_NAMES.split())


def is_official(name: str) -> bool:
    """Whether a name without namespace is an official image's."""
    return name in OFFICIAL
