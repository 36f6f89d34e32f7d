local images = {
  grafana: 'grafana/grafana:11.1.0',
  loki: 'quay.io/acme/loki:3',
};
{
  deployment: {
    spec: {
      containers: [
        { name: 'grafana', image: images.grafana, ports: [{ containerPort: 3000 }] },
        { name: 'render', image: 'grafana/grafana-image-renderer:3.11.1' },
      ],
    },
    host: 'loki:3100',
    // image: 'old/one:1'
  },
}
